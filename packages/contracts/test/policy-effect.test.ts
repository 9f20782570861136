import { describe, expect, test } from 'vitest';
import { encodeId } from '../src/ids.js';
import { effectivePolicy, policyKeys, violation, type PolicyScope } from '../src/policy.js';

const now = new Date('2026-11-23T10:00:00.000Z');
const [tenantId, projectId, exemptionId] = [
  encodeId('tnt', '00000000-0000-7000-8000-000000000001'),
  encodeId('prj', '00000000-0000-7000-8000-000000000002'),
  encodeId('pex', '00000000-0000-7000-8000-000000000004'),
];
const scopeIds = ['platform', tenantId, projectId] as const;

let minted = 0;
function newBindingId() {
  return encodeId('plb', `00000000-0000-7000-8000-${(minted += 1).toString(16).padStart(12, '0')}`);
}

interface More {
  readonly lock?: 'default' | 'override';
  readonly mode?: 'enforce' | 'audit';
}

describe('what became of a binding', () => {
  const key = 'inventory.leaseSecondsMax';
  const on = (level: number, value: unknown, more: More = {}): PolicyScope => ({
    id: scopeIds[level] ?? 'platform',
    policyBindings: [{ id: newBindingId(), key, value, lock: 'override', mode: 'enforce', ...more }],
  });
  const effects = (scopes: PolicyScope[]) =>
    effectivePolicy(scopes, now).values[key].contributions.map(({ effect }) => effect);

  test('applied where its value holds, narrowed where another made it stricter', () => {
    expect(effects([on(0, 60), on(1, 30)])).toEqual(['narrowed', 'applied']);
    expect(effects([on(0, 30), on(1, 60)])).toEqual(['applied', 'narrowed']);
    expect(effects([on(0, 30), on(1, 30)])).toEqual(['applied', 'applied']);
    expect(effects([on(0, null), on(1, 30)])).toEqual(['narrowed', 'applied']);
  });

  test('shadowed where it is a default with anything below it, also an override that is looser', () => {
    expect(effects([on(0, 30, { lock: 'default' }), on(1, 60, { lock: 'default' })])).toEqual(['shadowed', 'applied']);
    expect(effects([on(0, 30, { lock: 'default' }), on(1, 60)])).toEqual(['shadowed', 'applied']);
  });

  test('what only audits neither shadows nor narrows what is enforced', () => {
    const scopes = [on(0, 60, { lock: 'default' }), on(1, 30, { lock: 'default', mode: 'audit' })];
    expect(effects(scopes)).toEqual(['applied', 'applied']);
    expect(effectivePolicy(scopes, now).values[key]).toMatchObject({ value: 60, audited: 30 });
  });

  test('exempted while the key is lifted, whatever it was before', () => {
    const exemption = { id: exemptionId, key, expiresAt: '2027-01-01T00:00:00.000Z' };
    const scopes = [on(0, 60), { ...on(1, 30), exemptions: [exemption] }];
    expect(effects(scopes)).toEqual(['exempted', 'exempted']);
    expect(violation(effectivePolicy(scopes, now), key, (max) => max === null || max >= 90)).toEqual({
      enforced: false,
      facts: {
        key,
        scope: 'platform',
        binding: scopes[0]?.policyBindings?.[0]?.id,
        allowed: 30,
        exemptedBy: exemption.id,
      },
    });
  });

  test('a value of a newer version is ignored and breaks nothing; so is a key of a newer version', () => {
    const scopes = [
      on(0, { seconds: 5 }),
      on(1, 30),
      { id: scopeIds[2] ?? 'platform', policyBindings: [{ ...on(2, 1).policyBindings?.[0], key: 'nett.mtuMax' }] },
    ] as PolicyScope[];
    expect(effects(scopes)).toEqual(['ignored', 'applied']);
    expect(Object.keys(effectivePolicy(scopes, now).values)).toEqual([...policyKeys]);
    for (const each of policyKeys)
      for (const value of [{}, 'text', true, [1], Number.NaN])
        expect(() =>
          effectivePolicy(
            [{ id: 'platform', policyBindings: [{ ...on(0, value).policyBindings![0]!, key: each }] }],
            now,
          ),
        ).not.toThrow();
  });
});
