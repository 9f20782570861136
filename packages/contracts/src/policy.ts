import * as v from 'valibot';
import type { PolicyBindingView, ScopeRow } from './contract.js';

export type MergeRule = 'intersect' | 'union' | 'min' | 'max' | 'replace';

/** One policy that the owning context knows how to enforce. */
export interface PolicyDefinition {
  readonly context: string;
  readonly title: string;
  readonly schema: v.GenericSchema;
  /** What holds when nobody has bound anything. */
  readonly default: unknown;
  readonly merge: MergeRule;
  /** The actions at which the owning context looks at it. */
  readonly enforcedAt: readonly string[];
}

const words = v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(317))), v.maxLength(64));
/** A list, or null: every one. */
const wordsOrAll = v.nullable(words);
const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(31_536_000));

/** Every policy there is: `<context>.<what>`. A key that a version does not know binds nothing there. */
export const policyDefinitions = {
  'inventory.allowedLocations': {
    context: 'inventory',
    title: 'Nodes may be taken only inside these nodes (nod_…); null: anywhere.',
    schema: wordsOrAll,
    default: null,
    merge: 'intersect',
    enforcedAt: ['inventory.allocation.create'],
  },
  'inventory.leaseSecondsMax': {
    context: 'inventory',
    title: 'The longest TTL of an allocation, in seconds; one without a TTL is refused when this is bound.',
    schema: v.nullable(seconds),
    default: null,
    merge: 'min',
    enforcedAt: ['inventory.allocation.create', 'inventory.allocation.renew'],
  },
  'inventory.requiredLabels': {
    context: 'inventory',
    title: 'Label keys that every allocation carries.',
    schema: words,
    default: [],
    merge: 'union',
    enforcedAt: ['inventory.allocation.create'],
  },
  'tenancy.requiredLabels': {
    context: 'tenancy',
    title: 'Label keys that every new project and environment carries.',
    schema: words,
    default: [],
    merge: 'union',
    enforcedAt: ['tenancy.project.create', 'tenancy.environment.create'],
  },
  'tenancy.environmentClasses': {
    context: 'tenancy',
    title: 'The classes that a new environment may have; null: all.',
    schema: wordsOrAll,
    default: null,
    merge: 'intersect',
    enforcedAt: ['tenancy.environment.create'],
  },
  'task.approvalRequired': {
    context: 'task',
    title: 'Kinds of task that a second person must approve.',
    schema: words,
    default: [],
    merge: 'union',
    enforcedAt: ['task.task.create'],
  },
} as const satisfies { readonly [key: string]: PolicyDefinition };

export type PolicyKey = keyof typeof policyDefinitions;
export const policyKeys = Object.keys(policyDefinitions) as PolicyKey[];

/** Tells whether text is a policy of this version. */
export function isPolicyKey(text: string): text is PolicyKey {
  return Object.hasOwn(policyDefinitions, text);
}

/** Merges two values by the rule; null is "no bound" for intersect, min and max. The result is never looser than either. */
export function mergeValues(rule: MergeRule, upper: unknown, lower: unknown): unknown {
  switch (rule) {
    case 'replace':
      return upper;
    case 'union':
      return inOrder([...new Set([...(upper as string[]), ...(lower as string[])])]);
    case 'intersect':
      if (upper === null || lower === null) return upper ?? lower;
      return inOrder((upper as string[]).filter((item) => (lower as string[]).includes(item)));
    case 'min':
    case 'max':
      if (upper === null || lower === null) return upper ?? lower;
      return rule === 'min' ? Math.min(upper as number, lower as number) : Math.max(upper as number, lower as number);
  }
}

// Lists are sets of words: one order, so that equal sets are equal values.
const inOrder = (words: readonly string[]): string[] => words.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));

export interface Contribution {
  readonly scopeId: string;
  readonly bindingId: string;
  readonly value: unknown;
  readonly lock: PolicyBindingView['lock'];
  readonly mode: PolicyBindingView['mode'];
  /** `applied` as it stands, `narrowed` by others on the path, `shadowed` by a nearer default, `exempted` here. */
  readonly effect: 'applied' | 'narrowed' | 'shadowed' | 'exempted';
}

export interface EffectiveValue {
  /** What is enforced: the fold of the bindings with mode enforce; the default where the key is exempted. */
  readonly value: unknown;
  /** The fold over all bindings, those that only audit included: where it refuses and `value` does not, the record says so. */
  readonly audited: unknown;
  readonly exemptedBy?: string;
  readonly contributions: readonly Contribution[];
}

export interface EffectivePolicy {
  /** The highest policy version on the path. */
  readonly policyVersion: number;
  readonly values: { readonly [K in PolicyKey]: EffectiveValue };
}

type PolicyScope = Pick<ScopeRow, 'id' | 'policyVersion' | 'policyBindings' | 'exemptions'>;

/**
 * Resolves the policies of a path, the root first: overrides are merged from above and cannot be loosened, of the
 * defaults the nearest counts, and an exemption lifts its key here and below until it expires. Pure, so every context
 * comes to the same values.
 */
export function effectivePolicy(path: readonly PolicyScope[], now: Date): EffectivePolicy {
  const values = policyKeys.map((key) => [key, effectiveValue(key, path, now)] as const);
  return {
    policyVersion: Math.max(0, ...path.map((scope) => scope.policyVersion ?? 0)),
    values: Object.fromEntries(values) as EffectivePolicy['values'],
  };
}

interface Bound {
  readonly scopeId: string;
  readonly binding: PolicyBindingView;
}

function effectiveValue(key: PolicyKey, path: readonly PolicyScope[], now: Date): EffectiveValue {
  const bound: Bound[] = path.flatMap(({ id, policyBindings = [] }) =>
    policyBindings.filter((binding) => binding.key === key).map((binding) => ({ scopeId: id, binding })),
  );
  const exemption = path
    .flatMap(({ exemptions = [] }) => exemptions)
    .find((each) => each.key === key && new Date(each.expiresAt) > now);
  const definition: PolicyDefinition = policyDefinitions[key];
  const enforced = fold(
    definition,
    bound.filter(({ binding }) => binding.mode === 'enforce'),
  );
  const audited = fold(definition, bound);
  return {
    value: exemption === undefined ? enforced : definition.default,
    audited,
    ...(exemption === undefined ? {} : { exemptedBy: exemption.id }),
    contributions: bound.map((each, at) => ({
      scopeId: each.scopeId,
      bindingId: each.binding.id,
      value: each.binding.value,
      lock: each.binding.lock,
      mode: each.binding.mode,
      effect: effectOf({ each, at, bound, audited, exempted: exemption !== undefined }),
    })),
  };
}

function fold(definition: PolicyDefinition, bound: readonly Bound[]): unknown {
  const overrides = bound.filter(({ binding }) => binding.lock === 'override').map(({ binding }) => binding.value);
  const nearest = bound.findLast(({ binding }) => binding.lock === 'default')?.binding.value;
  const given = nearest === undefined ? overrides : [...overrides, nearest];
  const [first, ...rest] = given;
  if (first === undefined) return definition.default;
  return rest.reduce((upper, lower) => mergeValues(definition.merge, upper, lower), first);
}

function effectOf(use: {
  each: Bound;
  at: number;
  bound: readonly Bound[];
  audited: unknown;
  exempted: boolean;
}): Contribution['effect'] {
  const { each, at, bound, audited, exempted } = use;
  if (exempted) return 'exempted';
  const nearer = bound.slice(at + 1).some(({ binding }) => binding.lock === 'default');
  if (each.binding.lock === 'default' && nearer) return 'shadowed';
  return same(each.binding.value, audited) ? 'applied' : 'narrowed';
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (value: unknown): unknown => (Array.isArray(value) ? inOrder(value as string[]) : value);
