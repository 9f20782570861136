import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PolicyBindingView } from '../src/contract.js';
import { encodeId, type Prefix } from '../src/ids.js';
import {
  bindBelow,
  boundBy,
  effectivePolicy,
  foldBindings,
  mergeValues,
  policyDefinitions,
  policyKeys,
  violation,
  type MergeRule,
  type PolicyKey,
  type PolicyScope,
} from '../src/policy.js';
import { fitsPolicy } from '../src/tenancy/policy.js';

const now = new Date('2026-11-23T10:00:00.000Z');
const levels = ['platform', 'tnt', 'prj', 'env'] as const;
const rules: readonly MergeRule[] = ['intersect', 'union', 'min', 'max', 'replace'];

let minted = 0;
function id<P extends Prefix>(prefix: P) {
  return encodeId(prefix, `00000000-0000-7000-8000-${(minted += 1).toString(16).padStart(12, '0')}`);
}
const scopeIds = levels.map((level) => (level === 'platform' ? level : id(level)));

const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
const valueFor: Record<MergeRule, fc.Arbitrary<unknown>> = {
  intersect: fc.option(words),
  union: words,
  min: fc.option(fc.integer({ min: 1, max: 9 })),
  max: fc.option(fc.integer({ min: 1, max: 9 })),
  replace: fc.constantFrom('x', 'y', 'z', null),
};
const lock = fc.constantFrom('default' as const, 'override' as const);
const mode = fc.constantFrom('enforce' as const, 'audit' as const);

/** Tells whether all that `a` allows is allowed by `b` too: `b` is at least as loose. Of two words of `replace` neither is. */
function allows(rule: MergeRule, b: unknown, a: unknown): boolean {
  const within = (inner: unknown, outer: unknown) =>
    (inner as string[]).every((item) => (outer as string[]).includes(item));
  if (rule === 'replace') return a === b;
  if (rule === 'union') return within(b, a);
  if (b === null) return true;
  if (a === null) return false;
  if (rule === 'intersect') return within(a, b);
  return rule === 'min' ? (a as number) <= (b as number) : (a as number) >= (b as number);
}

/** Bindings of one key on a path, the root first; a place may be empty. */
const line = (rule: MergeRule) => fc.array(fc.record({ value: valueFor[rule], lock }), { maxLength: 6 });

const onEachRule = (check: (rule: MergeRule) => void) => {
  for (const rule of rules) check(rule);
};

describe('merging', () => {
  test('never comes to something looser than either side, but replace, which keeps the upper one', () => {
    onEachRule((rule) =>
      fc.assert(
        fc.property(valueFor[rule], valueFor[rule], (upper, lower) => {
          const merged = mergeValues(rule, upper, lower);
          expect(allows(rule, upper, merged)).toBe(true);
          if (rule !== 'replace') expect(allows(rule, lower, merged)).toBe(true);
        }),
      ),
    );
  });

  test('is associative, and twice the same is the same', () => {
    onEachRule((rule) =>
      fc.assert(
        fc.property(valueFor[rule], valueFor[rule], valueFor[rule], (a, b, c) => {
          const merge = (upper: unknown, lower: unknown) => mergeValues(rule, upper, lower);
          expect(merge(a, merge(b, c))).toEqual(merge(merge(a, b), c));
          expect(merge(merge(a, b), b)).toEqual(merge(a, b));
        }),
      ),
    );
  });

  test('a limit of nothing is not no limit', () => {
    expect(mergeValues('intersect', [], null)).toEqual([]);
    expect(mergeValues('intersect', null, null)).toBeNull();
    expect(mergeValues('min', null, 5)).toBe(5);
    expect(mergeValues('max', 5, null)).toBe(5);
  });
});

describe('folding a path', () => {
  test('a path may be cut anywhere: what its parts bind together is what the whole binds', () => {
    onEachRule((rule) =>
      fc.assert(
        fc.property(line(rule), line(rule), line(rule), (a, b, c) => {
          const fold = (part: typeof a) =>
            part.map((binding) => boundBy(rule, binding)).reduce((u, l) => bindBelow(rule, u, l), {});
          expect(bindBelow(rule, fold(a), fold([...b, ...c]))).toEqual(bindBelow(rule, fold([...a, ...b]), fold(c)));
        }),
      ),
    );
  });

  test('no binding below loosens the overrides above it', () => {
    onEachRule((rule) =>
      fc.assert(
        fc.property(line(rule), line(rule), (above, below) => {
          const overrides = above.filter((binding) => binding.lock === 'override');
          fc.pre(overrides.length > 0);
          const bound = foldBindings({ merge: rule, default: null }, overrides);
          const holds = foldBindings({ merge: rule, default: null }, [...above, ...below]);
          expect(allows(rule, bound, holds)).toBe(true);
        }),
      ),
    );
  });

  test('an override further down only makes stricter what overrides alone have bound', () => {
    onEachRule((rule) =>
      fc.assert(
        fc.property(line(rule), valueFor[rule], (above, value) => {
          const overrides = above.filter((binding) => binding.lock === 'override');
          fc.pre(overrides.length > 0);
          const fold = (bindings: typeof above) => foldBindings({ merge: rule, default: null }, bindings);
          expect(allows(rule, fold(overrides), fold([...overrides, { value, lock: 'override' }]))).toBe(true);
        }),
      ),
    );
  });

  test('a default holds until anything further down is bound, and what nobody bound is the built-in one', () => {
    const min = { merge: 'min', default: 7 } as const;
    expect(foldBindings(min, [])).toBe(7);
    expect(foldBindings(min, [{ value: 3, lock: 'default' }])).toBe(3);
    expect(
      foldBindings(min, [
        { value: 3, lock: 'default' },
        { value: 5, lock: 'default' },
      ]),
    ).toBe(5);
    expect(
      foldBindings(min, [
        { value: 3, lock: 'default' },
        { value: 5, lock: 'override' },
      ]),
    ).toBe(5);
    expect(
      foldBindings(min, [
        { value: 3, lock: 'override' },
        { value: 5, lock: 'default' },
      ]),
    ).toBe(3);
    expect(foldBindings(min, [{ value: null, lock: 'override' }])).toBeNull();
  });
});

type AnyBinding = Omit<PolicyBindingView, 'value'> & { value: unknown };

const realValue: { [K in PolicyKey]: fc.Arbitrary<unknown> } = {
  'inventory.allowedLocations': fc.option(fc.uniqueArray(fc.constantFrom('nod_a', 'nod_b', 'nod_c'))),
  'inventory.leaseSecondsMax': fc.option(fc.integer({ min: 1, max: 9 })),
  'inventory.requiredLabels': words,
  'tenancy.requiredLabels': words,
  'tenancy.environmentClasses': fc.option(fc.uniqueArray(fc.constantFrom('production', 'staging'))),
  'task.approvalRequired': words,
};

const bindings: fc.Arbitrary<AnyBinding[]> = fc
  .subarray(policyKeys)
  .chain((keys) =>
    fc.tuple(
      ...keys.map((key) =>
        fc.record({ id: fc.constant(id('plb')), key: fc.constant(key as string), value: realValue[key], lock, mode }),
      ),
    ),
  );
const exemptions = fc.subarray(policyKeys).chain((keys) =>
  fc.tuple(
    ...keys.map((key) =>
      fc.record({
        id: fc.constant(id('pex')),
        key: fc.constant(key as string),
        expiresAt: fc.constantFrom('2026-11-23T09:59:59.999Z', '2026-11-23T10:00:00.000Z', '2026-11-23T10:00:00.001Z'),
      }),
    ),
  ),
);
const path: fc.Arbitrary<PolicyScope[]> = fc.tuple(
  ...scopeIds.map((scopeId, at) =>
    fc.record({
      id: fc.constant(scopeId),
      policyVersion: fc.constant(at),
      policyBindings: bindings,
      exemptions,
    }),
  ),
) as fc.Arbitrary<PolicyScope[]>;

/** Judgements over words and numbers that each rule is made for. */
const refusesSome: { readonly [K in PolicyKey]: (value: never) => boolean } = {
  'inventory.allowedLocations': (value: string[] | null) => value === null || value.includes('nod_a'),
  'inventory.leaseSecondsMax': (value: number | null) => value === null || value >= 5,
  'inventory.requiredLabels': (value: string[]) => !value.includes('a'),
  'tenancy.requiredLabels': (value: string[]) => !value.includes('a'),
  'tenancy.environmentClasses': (value: string[] | null) => value === null || value.includes('staging'),
  'task.approvalRequired': (value: string[]) => !value.includes('a'),
};
const judge = (scopes: readonly PolicyScope[], key: PolicyKey) =>
  violation(effectivePolicy(scopes, now), key, refusesSome[key] as (value: unknown) => boolean);

describe('the policy of a path', () => {
  test('neither the order of keys nor that of the words in a list says anything', () => {
    fc.assert(
      fc.property(path, (scopes) => {
        const turned = scopes.map((scope) => ({
          ...scope,
          policyBindings: scope.policyBindings?.toReversed().map((binding) => ({
            ...binding,
            value: Array.isArray(binding.value) ? [...binding.value, ...binding.value].toReversed() : binding.value,
          })),
          exemptions: scope.exemptions?.toReversed(),
        }));
        const [a, b] = [effectivePolicy(scopes, now), effectivePolicy(turned, now)];
        for (const key of policyKeys) {
          expect(b.values[key].value).toEqual(a.values[key].value);
          expect(b.values[key].audited).toEqual(a.values[key].audited);
          expect(b.values[key].contributions.map(({ effect }) => effect)).toEqual(
            a.values[key].contributions.map(({ effect }) => effect),
          );
          expect(judge(turned, key)?.facts.binding).toBe(judge(scopes, key)?.facts.binding);
        }
      }),
    );
  });

  test('a key that nobody exempted is not loosened below its overrides, whatever is bound on the last scope', () => {
    fc.assert(
      fc.property(path, bindings, (scopes, added) => {
        const open = scopes.map((scope) => ({ ...scope, exemptions: [] }));
        const above = effectivePolicy(
          open.map((scope) => ({
            ...scope,
            policyBindings: scope.policyBindings?.filter((each) => each.lock === 'override'),
          })),
          now,
        );
        const leaf: PolicyScope = { id: id('env'), policyVersion: 0, policyBindings: added, exemptions: [] };
        const holds = effectivePolicy([...open, leaf], now);
        for (const key of policyKeys)
          expect(allows(policyDefinitions[key].merge, above.values[key].value, holds.values[key].value)).toBe(true);
      }),
    );
  });

  test('an exemption lifts its key alone, where it lies and below, and at its time it is over', () => {
    fc.assert(
      fc.property(path, fc.constantFrom(...policyKeys), fc.nat({ max: 3 }), fc.boolean(), (scopes, key, at, live) => {
        const expiresAt = live ? '2026-11-23T10:00:00.001Z' : '2026-11-23T10:00:00.000Z';
        const bare = scopes.map((scope) => ({ ...scope, exemptions: [] }));
        const exempted = bare.map((scope, level) =>
          level === at ? { ...scope, exemptions: [{ id: id('pex'), key, expiresAt }] } : scope,
        );
        for (let depth = 0; depth < scopes.length; depth += 1) {
          const [without, having] = [bare, exempted].map((all) => effectivePolicy(all.slice(0, depth + 1), now));
          for (const each of policyKeys) {
            const lifted = live && each === key && depth >= at;
            const value = having?.values[each];
            expect(value?.value).toEqual(lifted ? policyDefinitions[each].default : without?.values[each].value);
            expect(value?.audited).toEqual(without?.values[each].audited);
            expect(value?.exemptedBy !== undefined).toBe(lifted);
            if (lifted) expect(judge(exempted.slice(0, depth + 1), each)?.enforced ?? false).toBe(false);
          }
        }
      }),
    );
  });

  test('what only audits refuses nothing and changes no value, and is told when it would have refused', () => {
    fc.assert(
      fc.property(path, (scopes) => {
        const auditing = scopes.map((scope) => ({
          ...scope,
          exemptions: [],
          policyBindings: scope.policyBindings?.map((binding) => ({ ...binding, mode: 'audit' as const })),
        }));
        const enforcing = auditing.map((scope) => ({
          ...scope,
          policyBindings: scope.policyBindings?.map((binding) => ({ ...binding, mode: 'enforce' as const })),
        }));
        for (const key of policyKeys) {
          const [audit, enforce] = [judge(auditing, key), judge(enforcing, key)];
          expect(effectivePolicy(auditing, now).values[key].value).toEqual(policyDefinitions[key].default);
          expect(audit?.enforced ?? false).toBe(false);
          expect(audit?.facts).toEqual(enforce?.facts);
        }
      }),
    );
  });

  test('a refusal names a binding that refuses, and nobody above it does', () => {
    fc.assert(
      fc.property(path, (scopes) => {
        for (const key of policyKeys) {
          const found = judge(scopes, key);
          if (found === undefined) continue;
          const { contributions } = effectivePolicy(scopes, now).values[key];
          const at = contributions.findIndex(({ bindingId }) => bindingId === found.facts.binding);
          expect(contributions[at]?.scopeId).toBe(found.facts.scope);
          expect(refusesSome[key](contributions[at]?.value as never)).toBe(false);
          if (found.enforced) {
            expect(contributions[at]).toMatchObject({ mode: 'enforce' });
            expect(contributions[at]?.effect).toMatch(/^(applied|narrowed)$/);
            const firmAbove = contributions
              .slice(0, at)
              .filter((each) => each.mode === 'enforce' && each.lock === 'override');
            for (const each of firmAbove) expect(refusesSome[key](each.value as never)).toBe(true);
          }
        }
      }),
    );
  });

  test('the policy version of a path is the highest on it', () => {
    expect(
      effectivePolicy(
        [
          { id: 'platform', policyVersion: 9 },
          { id: id('tnt'), policyVersion: 4 },
        ],
        now,
      ).policyVersion,
    ).toBe(9);
    expect(effectivePolicy([], now).policyVersion).toBe(0);
  });
});

test('what a scope binds fits into 256 KiB, counted in bytes', () => {
  const bytes = (value: string) => JSON.stringify([{ value }]).length;
  const full = 256 * 1024 - bytes('');
  expect(fitsPolicy([{ value: 'x'.repeat(full) }])).toBe(true);
  expect(fitsPolicy([{ value: `${'x'.repeat(full - 1)}å` }])).toBe(false);
});
