import * as v from 'valibot';
import { expect, test } from 'vitest';
import { encodeId } from '../src/ids.js';
import { isProblem } from '../src/problem.js';
import { actionSchema, serviceSchema } from '../src/services/message.js';
import { actions, knowsAction } from '../src/services/registry.js';
import { readSpec, resources } from '../src/services/specs.js';

test('what is registered is what a subject can name, and a plan may name nothing else', () => {
  for (const [service, served] of Object.entries(actions)) {
    expect(v.is(serviceSchema, service), service).toBe(true);
    for (const [action, { contract }] of Object.entries(served)) {
      expect(v.is(actionSchema, action), action).toBe(true);
      expect(knowsAction(service, action, contract)).toBe(true);
      expect(knowsAction(service, action, contract + 1)).toBe(false);
    }
  }
  expect(knowsAction('nett', 'machine.create', 1)).toBe(false);
  expect(knowsAction('constructor', 'name', 1)).toBe(false);
  expect(knowsAction('nett', 'constructor', 1)).toBe(false);
  for (const { service } of Object.values(resources)) expect(Object.keys(actions)).toContain(service);
});

test.each([
  ['network', { mtu: 100 }, '/spec/mtu'],
  ['network', { dnsServers: ['10.0.0.1', 'nowhere'] }, '/spec/dnsServers/1'],
  ['machine', {}, '/spec/image'],
  ['machine', { image: 'debian-13', userData: 'password: secret-canary' }, '/spec/userData'],
  ['cluster', { version: '1.33', machine: { image: 'flatcar', hostname: 'Web_1' } }, '/spec/machine/hostname'],
  ['cluster', 'secret-canary', '/spec'],
  ['bucket', { retentionDays: 0 }, '/spec/retentionDays'],
] as const)(
  'a wish for a %s that its service would not read is refused, and names its field',
  (kind, spec, pointer) => {
    try {
      readSpec(kind, spec);
      expect.unreachable();
    } catch (error) {
      if (!isProblem(error, 'validation-failed')) throw error;
      expect((error.facts['errors'] as { pointer: string }[]).map((each) => each.pointer)).toEqual([pointer]);
      expect(JSON.stringify(error.facts)).not.toContain('secret-canary');
    }
  },
);

test('a wish is handed on as it was written', () => {
  const spec = { version: '1.33', podCidr: '10.244.0.0/16', machine: { image: 'flatcar', power: 'on' } };
  expect(readSpec('cluster', spec)).toEqual(spec);
  // An older service does not know what a newer Sentral says, and goes on.
  const input = { networkId: encodeId('net', '00000000-0000-7000-8000-000000000001'), colour: 'red' };
  expect(v.is(actions.nett['network.delete'].input, input)).toBe(true);
});
