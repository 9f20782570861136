import * as v from 'valibot';
import { labelKeySchema, text } from './api/common.js';
import { platformScopeId, type PolicyBindingView, type ScopeRow } from './contract.js';
import { idSchema } from './ids.js';
import { environmentClasses } from './tenancy/scope.js';

/**
 * How what is bound above and below becomes one value, which is never looser than either: the common part, everything of
 * both, the lower or the higher number; with `replace` the upper one stands. For intersect, min and max null is no bound.
 */
export type MergeRule = 'intersect' | 'union' | 'min' | 'max' | 'replace';

/** One policy that the owning context knows how to enforce. */
export interface PolicyDefinition {
  readonly context: string;
  readonly title: string;
  readonly schema: v.GenericSchema;
  /** What holds when nobody has bound anything, and what an exemption falls back to. */
  readonly default: unknown;
  readonly merge: MergeRule;
  /** The actions at which the owning context looks at it. */
  readonly enforcedAt: readonly string[];
}

const listOf = <const S extends v.GenericSchema>(item: S) => v.pipe(v.array(item), v.maxLength(64));
const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(31_536_000));

/** Every policy there is: `<context>.<what>`. A key that a version does not know binds nothing there. */
export const policyDefinitions = {
  'inventory.allowedLocations': {
    context: 'inventory',
    title: 'Nodes may be taken only inside these nodes (nod_…); null: anywhere.',
    schema: v.nullable(listOf(idSchema('nod'))),
    default: null,
    merge: 'intersect',
    enforcedAt: ['inventory.allocation.create'],
  },
  'inventory.leaseSecondsMax': {
    context: 'inventory',
    title:
      'The longest TTL of an allocation, in seconds; when this is bound, none without a TTL is made and no hold is confirmed.',
    schema: v.nullable(seconds),
    default: null,
    merge: 'min',
    enforcedAt: ['inventory.allocation.create', 'inventory.allocation.confirm', 'inventory.allocation.renew'],
  },
  'inventory.requiredLabels': {
    context: 'inventory',
    title: 'Label keys that every allocation carries.',
    schema: listOf(labelKeySchema),
    default: [],
    merge: 'union',
    enforcedAt: ['inventory.allocation.create'],
  },
  'tenancy.requiredLabels': {
    context: 'tenancy',
    title: 'Label keys that every new project and environment carries.',
    schema: listOf(labelKeySchema),
    default: [],
    merge: 'union',
    enforcedAt: ['tenancy.project.create', 'tenancy.environment.create'],
  },
  'tenancy.environmentClasses': {
    context: 'tenancy',
    title: 'The classes that a new environment may have; null: all.',
    schema: v.nullable(listOf(v.picklist(environmentClasses))),
    default: null,
    merge: 'intersect',
    enforcedAt: ['tenancy.environment.create'],
  },
  'task.approvalRequired': {
    context: 'task',
    title: 'Kinds of task that a second person must approve.',
    schema: listOf(text(1, 317)),
    default: [],
    merge: 'union',
    enforcedAt: ['task.task.create'],
  },
} as const satisfies { readonly [key: string]: PolicyDefinition };

export type PolicyKey = keyof typeof policyDefinitions;
/** What a policy may be bound to. */
export type PolicyValue<K extends PolicyKey> = v.InferOutput<(typeof policyDefinitions)[K]['schema']>;
export const policyKeys = Object.keys(policyDefinitions) as PolicyKey[];

/** Values of policies by key, each as its definition has it; a key that this version does not know says nothing. */
export const policyValuesSchema = v.looseObject(
  Object.fromEntries(policyKeys.map((key) => [key, v.optional(policyDefinitions[key].schema)])) as {
    readonly [K in PolicyKey]: v.OptionalSchema<(typeof policyDefinitions)[K]['schema'], undefined>;
  },
);

/** Tells whether text is a policy of this version. */
export function isPolicyKey(text: string): text is PolicyKey {
  return Object.hasOwn(policyDefinitions, text);
}

/** Merges two values by the rule. The result is never looser than either. */
export function mergeValues(rule: MergeRule, upper: unknown, lower: unknown): unknown {
  if (rule === 'replace') return upper;
  if (rule === 'union') return canonical(rule, [...(upper as string[]), ...(lower as string[])]);
  if (upper === null || lower === null) return canonical(rule, upper ?? lower);
  if (rule === 'min') return Math.min(upper as number, lower as number);
  if (rule === 'max') return Math.max(upper as number, lower as number);
  const kept = new Set(lower as string[]);
  return canonical(
    rule,
    (upper as string[]).filter((item) => kept.has(item)),
  );
}

// Lists that are merged are sets: neither order nor repetition says anything.
function canonical(rule: MergeRule, value: unknown): unknown {
  return rule !== 'replace' && Array.isArray(value) ? [...new Set(value as string[])].toSorted() : value;
}

/** Tells whether a value can be merged at all: a newer version may have written one that this version cannot read. */
function isMergeable(rule: MergeRule, value: unknown): boolean {
  if (rule === 'replace') return true;
  if (value === null) return rule !== 'union';
  if (rule === 'min' || rule === 'max') return typeof value === 'number' && Number.isFinite(value);
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

type Rule = Pick<PolicyDefinition, 'merge' | 'default'>;
type Binding = Pick<PolicyBindingView, 'value' | 'lock'>;

/** What a stretch of a path binds: its overrides merged, and the default that no binding further down has replaced. */
export interface Bound {
  readonly override?: { readonly value: unknown };
  readonly fallback?: { readonly value: unknown };
}

export const boundBy = (rule: MergeRule, { lock, value }: Binding): Bound =>
  lock === 'override'
    ? { override: { value: canonical(rule, value) } }
    : { fallback: { value: canonical(rule, value) } };

/** What two stretches bind together, the upper one first. Associative: a path may be cut anywhere. */
export function bindBelow(rule: MergeRule, upper: Bound, lower: Bound): Bound {
  const lowerBinds = lower.override !== undefined || lower.fallback !== undefined;
  const override =
    upper.override === undefined || lower.override === undefined
      ? (upper.override ?? lower.override)
      : { value: mergeValues(rule, upper.override.value, lower.override.value) };
  const fallback = lowerBinds ? lower.fallback : upper.fallback;
  return { ...(override === undefined ? {} : { override }), ...(fallback === undefined ? {} : { fallback }) };
}

/** The value that bindings come to, the root's first: overrides cannot be loosened, a default only narrows them. */
export function foldBindings(rule: Rule, bindings: readonly Binding[]): unknown {
  const { override, fallback } = bindings
    .map((binding) => boundBy(rule.merge, binding))
    .reduce((upper, lower) => bindBelow(rule.merge, upper, lower), {});
  if (override !== undefined && fallback !== undefined) return mergeValues(rule.merge, override.value, fallback.value);
  return (override ?? fallback ?? { value: rule.default }).value;
}

export interface Contribution {
  readonly scopeId: string;
  readonly bindingId: string;
  readonly value: unknown;
  readonly lock: PolicyBindingView['lock'];
  readonly mode: PolicyBindingView['mode'];
  /**
   * What became of it, among the bindings that it is folded with: those that are enforced, or all of them when it only audits.
   * `applied` it is what holds, `narrowed` others on the path made it stricter, `shadowed` it has no part in the value,
   * `exempted` the key is lifted here, `ignored` this version cannot read its value.
   */
  readonly effect: 'applied' | 'narrowed' | 'shadowed' | 'exempted' | 'ignored';
}

export interface EffectiveValue<V = unknown> {
  /** What is enforced: the fold of the bindings with mode enforce; the default where the key is exempted. */
  readonly value: V;
  /** The fold over all bindings, as if none were exempted and none only audited: where it refuses and `value` does not, the record says so. */
  readonly audited: V;
  readonly exemptedBy?: string;
  readonly contributions: readonly Contribution[];
}

export interface EffectivePolicy {
  /** The highest policy version on the path. */
  readonly policyVersion: number;
  readonly values: { readonly [K in PolicyKey]: EffectiveValue<PolicyValue<K>> };
}

/** As much of a scope as its policy needs. */
export type PolicyScope = Pick<ScopeRow, 'id' | 'policyVersion' | 'policyBindings' | 'exemptions'>;

/**
 * Resolves the policies of a path, the root first: overrides are merged from above and cannot be loosened, a default is
 * replaced by any binding further down, and an exemption lifts its key here and below until it expires. Keys that this
 * version does not know bind nothing. Pure, so every context comes to the same values; `now` is the database's.
 */
export function effectivePolicy(path: readonly PolicyScope[], now: Date): EffectivePolicy {
  const values = policyKeys.map((key) => [key, effectiveValue(key, path, now)] as const);
  return {
    policyVersion: Math.max(0, ...path.map((scope) => scope.policyVersion ?? 0)),
    values: Object.fromEntries(values) as unknown as EffectivePolicy['values'],
  };
}

function effectiveValue(key: PolicyKey, path: readonly PolicyScope[], now: Date): EffectiveValue {
  const rule: Rule = policyDefinitions[key];
  const bound = path.flatMap(({ id: scopeId, policyBindings = [] }) =>
    policyBindings
      .filter((binding) => binding.key === key)
      .map(({ id: bindingId, value, lock, mode }) => ({ scopeId, bindingId, value, lock, mode })),
  );
  const exemption = path
    .flatMap(({ exemptions = [] }) => exemptions)
    .find((each) => each.key === key && new Date(each.expiresAt) > now);
  const read = bound.filter(({ value }) => isMergeable(rule.merge, value));
  const enforced = read.filter(({ mode }) => mode === 'enforce');
  const effectOf = (each: (typeof bound)[number]): Contribution['effect'] => {
    if (exemption !== undefined) return 'exempted';
    if (!read.includes(each)) return 'ignored';
    const folded = each.mode === 'enforce' ? enforced : read;
    if (!takingPart(rule.merge, folded).includes(each)) return 'shadowed';
    return same(canonical(rule.merge, each.value), foldBindings(rule, folded)) ? 'applied' : 'narrowed';
  };
  return {
    value: exemption === undefined ? foldBindings(rule, enforced) : rule.default,
    audited: foldBindings(rule, read),
    ...(exemption === undefined ? {} : { exemptedBy: exemption.id }),
    contributions: bound.map((each) => ({ ...each, effect: effectOf(each) })),
  };
}

/** Those of the bindings, root first, that the fold does not pass over: every override, and a default with nothing below it. */
function takingPart<B extends Binding>(rule: MergeRule, bindings: readonly B[]): readonly B[] {
  const taking = bindings.filter(({ lock }, at) => lock === 'override' || at === bindings.length - 1);
  return rule === 'replace' ? taking.slice(0, 1) : taking;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

export interface Violation {
  /** False: the action passes, and its record names the facts under `auditOnly`. */
  readonly enforced: boolean;
  /** What a `policy-violation` and a record say of it. */
  readonly facts: {
    readonly key: PolicyKey;
    /** Where the binding lies that refuses; the platform for the built-in default, which no binding made. */
    readonly scope: string;
    readonly binding?: string;
    /** What would have been allowed. */
    readonly allowed: unknown;
    readonly exemptedBy?: string;
  };
}

/**
 * Judges one action by one policy; undefined when it passes both what is enforced and what is only audited. Names the
 * binding nearest to the root that refuses: nobody below it can allow what it forbids.
 */
export function violation<K extends PolicyKey>(
  policy: EffectivePolicy,
  key: K,
  passes: (value: PolicyValue<K>) => boolean,
): Violation | undefined {
  const rule: Rule = policyDefinitions[key];
  const { value, audited, exemptedBy, contributions }: EffectiveValue<PolicyValue<K>> = policy.values[key];
  const enforced = !passes(value);
  if (!enforced && passes(audited)) return undefined;
  const folded = contributions.filter(
    (each) => isMergeable(rule.merge, each.value) && (!enforced || each.mode === 'enforce'),
  );
  // A key that is exempted is judged by its default alone.
  const taking = enforced && exemptedBy !== undefined ? [] : takingPart(rule.merge, folded);
  const refusing = taking.find((_, at) => !passes(foldBindings(rule, taking.slice(0, at + 1)) as PolicyValue<K>));
  return {
    enforced,
    facts: {
      key,
      scope: refusing?.scopeId ?? platformScopeId,
      ...(refusing === undefined ? {} : { binding: refusing.bindingId }),
      allowed: enforced ? value : audited,
      ...(exemptedBy === undefined ? {} : { exemptedBy }),
    },
  };
}
