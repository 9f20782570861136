import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type * as v from 'valibot';
import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, test } from 'vitest';
import { compare } from '../src/compat.js';
import { jsonSchema } from '../src/openapi.js';
import { beatSchema, commandSchema, replySchema } from '../src/services/message.js';
import { actions, type ActionDef } from '../src/services/registry.js';
import { resources } from '../src/services/specs.js';
import { descriptionSchema, describeSchema, observePageSchema, observeSchema } from '../src/services/query.js';

// Who reads a message decides what breaks: a service reads commands and questions, Sentral reads the rest.
const messages = {
  command: ['out', commandSchema],
  describe: ['out', describeSchema],
  observe: ['out', observeSchema],
  reply: ['in', replySchema],
  beat: ['in', beatSchema],
  description: ['in', descriptionSchema],
  observePage: ['in', observePageSchema],
} as const;

/** Inputs of actions are read by services; wishes are read by Sentral, in the service's name. */
const registered: Readonly<Record<string, readonly ['in' | 'out', v.GenericSchema]>> = {
  ...messages,
  ...Object.fromEntries(
    Object.entries(actions).flatMap(([service, served]) =>
      Object.entries<ActionDef>(served).map(([action, { contract, input }]) => [
        `${service}/${action}/${contract}`,
        ['out', input] as const,
      ]),
    ),
  ),
  ...Object.fromEntries(Object.entries(resources).map(([kind, { spec }]) => [`spec/${kind}`, ['in', spec] as const])),
};

const update = process.env['SENTRAL_UPDATE_GOLDEN'];
const file = new URL('../golden/services.json', import.meta.url);

test('the messages between Sentral and the services keep what the golden file promises, and the file is up to date', () => {
  const now = Object.fromEntries(
    Object.entries(registered).map(([name, [, schema]]) => [
      name,
      jsonSchema(toJsonSchema, schema, { typeMode: 'input' }),
    ]),
  );
  const text = `${JSON.stringify(now, null, 1)}\n`;
  if (existsSync(file) && update !== 'breaking') {
    const promised = JSON.parse(readFileSync(file, 'utf8')) as typeof now;
    for (const [name, [side]] of Object.entries(registered)) {
      if (promised[name] === undefined) continue;
      const broken = compare(promised[name], now[name]!, side).filter(({ breaking }) => breaking);
      expect(broken, `${name}: these changes break who speaks it; \`pnpm golden:breaking\` takes them in`).toEqual([]);
    }
  }
  if (update !== undefined) writeFileSync(file, text);
  expect(readFileSync(file, 'utf8') === text, '`pnpm golden` writes the compatible changes down').toBe(true);
});
