import * as v from 'valibot';
import { sealedSchema } from './audit-seal.js';
import { idSchema } from './ids.js';
import { parseContent } from './validation.js';
import { isProblem, problem, type ProblemCode } from './problem.js';

type Schema = v.GenericSchema;

/** One verb that a context offers: what it takes, what it gives, what it may refuse with. */
export interface VerbDef {
  readonly summary: string;
  /** A strict object: unknown fields are refused. */
  readonly command: Schema;
  /** A plain object: results may gain fields at any time. */
  readonly result: Schema;
  /** Closed: any other problem than these and the universal ones is a bug. */
  readonly refuses: readonly ProblemCode[];
  /** Asking twice is the same as asking once (every read is): only then may a lost answer be asked for again. */
  readonly idempotent: boolean;
}

export interface ContractDef {
  readonly context: string;
  readonly nouns: { readonly [noun: string]: { readonly [verb: string]: VerbDef } };
}

/** Declares a verb; exists so that its literals keep their types. */
export const verb = <const V extends VerbDef>(def: V): V => def;

/** Declares what a context offers the others. */
export const defineContract = <const C extends ContractDef>(contract: C): C => contract;

/** What any verb may answer without listing it: they belong to the way a call travels, not to the verb. */
export const universalProblems: readonly ProblemCode[] = [
  'validation-failed',
  'idempotency-in-progress',
  'idempotency-key-reused',
  'internal',
  'dependency-unavailable',
  'overloaded',
  'timeout',
  'outcome-unknown',
];

export const scopeKinds = ['platform', 'tenant', 'project', 'environment'] as const;
export type ScopeKind = (typeof scopeKinds)[number];
export const scopeStates = ['active', 'suspended', 'deleting', 'deleted'] as const;

/** The one platform scope has no TypeID: on the wire it is this word, in a database this uuid. */
export const platformScopeId = 'platform';
export const platformScopeUuid = '00000000-0000-0000-0000-000000000000';

/** The id of a scope of any kind. */
export const scopeIdSchema = v.union([v.literal(platformScopeId), idSchema('tnt'), idSchema('prj'), idSchema('env')]);

const isoTime = v.pipe(v.string(), v.isoTimestamp());
const key = v.pipe(v.string(), v.minLength(1), v.maxLength(128));

/** A policy binding as far as whoever enforces it needs it. */
export const policyBindingViewSchema = v.object({
  id: idSchema('plb'),
  /** `<context>.<what>`, one of the definitions in `/policy`; an unknown one is ignored by who does not know it. */
  key,
  value: v.unknown(),
  /** `default` may be replaced further down; `override` may only be narrowed by the merge rule. */
  lock: v.picklist(['default', 'override']),
  /** `audit` refuses nothing: what it would have refused is only named in the record. */
  mode: v.picklist(['enforce', 'audit']),
});
export type PolicyBindingView = v.InferInput<typeof policyBindingViewSchema>;

/** A scope as tenancy has it; a context applies it first when it is newer than its projection. */
export const scopeRowSchema = v.object({
  id: scopeIdSchema,
  parentId: v.nullable(scopeIdSchema),
  kind: v.picklist(scopeKinds),
  tenantId: v.nullable(idSchema('tnt')),
  state: v.picklist(scopeStates),
  /** Moves with every change of the scope, its state, limits, policy, exemptions and holds. */
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** The policy clock when the policy or an exemption of this scope last changed; the highest on a path is the path's. */
  policyVersion: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
  policyBindings: v.optional(v.pipe(v.array(policyBindingViewSchema), v.maxLength(64)), []),
  /** Keys that are not enforced here and below until then. */
  exemptions: v.optional(
    v.pipe(v.array(v.object({ id: idSchema('pex'), key, expiresAt: isoTime })), v.maxLength(64)),
    [],
  ),
  /** Live liens on the scope itself, or on the resource that is named. */
  holds: v.optional(
    v.pipe(
      v.array(
        v.object({
          id: idSchema('hol'),
          resourceId: v.optional(v.pipe(v.string(), v.maxLength(64))),
          origin: v.pipe(v.string(), v.maxLength(128)),
          reason: v.pipe(v.string(), v.maxLength(1000)),
          expiresAt: v.optional(isoTime),
        }),
      ),
      v.maxLength(256),
    ),
    [],
  ),
  /** Quota limits set on this very scope; a dimension without one is unlimited here. */
  limits: v.optional(
    v.pipe(
      v.array(v.object({ dimension: key, limit: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })),
      v.maxLength(64),
    ),
    [],
  ),
});
/** As it is sent: what is absent is empty. */
export type ScopeRow = v.InferInput<typeof scopeRowSchema>;

/** What the caller may see: everything, or what lies in these scopes. A value, not a brand: it crosses HTTP. */
export const readScopeSchema = v.union([
  v.strictObject({ all: v.literal(true) }),
  v.strictObject({
    tenantIds: v.array(idSchema('tnt')),
    projectIds: v.array(idSchema('prj')),
    environmentIds: v.array(idSchema('env')),
    /** What lies in no tenant is visible too: the platform's own bindings, records and tasks. */
    platform: v.optional(v.boolean()),
  }),
]);
export type ReadScope = v.InferInput<typeof readScopeSchema>;

/** A group of an issuer. It has no row: membership comes from the credential alone. */
export const groupRefSchema = v.object({
  issuer: v.pipe(v.string(), v.minLength(1), v.maxLength(512)),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
});
export type GroupRef = v.InferInput<typeof groupRefSchema>;

export const principalTypes = ['user', 'service', 'system'] as const;

export const callerSchema = v.object({
  principal: v.object({
    /** usr_… or sac_…; for type system the name of the loop that acts. */
    id: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
    type: v.picklist(principalTypes),
    /** The groups that the credential names; only tenancy looks at them, when it asks what the caller may grant. */
    groups: v.optional(v.pipe(v.array(groupRefSchema), v.maxLength(256))),
    /** The API token that spoke, whose limits hold for what the caller may grant too. */
    tokenId: v.optional(idSchema('tok')),
  }),
  /** The access epoch that the decision to let this call through was made at. */
  accessEpoch: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  readScope: readScopeSchema,
  /** The path of scope rows, root first, that the command acts in; empty when it acts in none. */
  scopes: v.pipe(v.array(scopeRowSchema), v.maxLength(64)),
  idempotency: v.optional(
    v.object({
      scope: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
      key: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
      /** SHA-256 of the request as the facade read it. */
      fingerprint: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
    }),
  ),
  traceparent: v.optional(v.pipe(v.string(), v.maxLength(128))),
  dryRun: v.optional(v.boolean()),
  /** The request of the API that this call is part of, for the record: what was asked, and why it was let through. */
  request: v.optional(
    v.object({
      id: idSchema('req'),
      /** The operationId. */
      operation: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
      permission: v.optional(v.pipe(v.string(), v.maxLength(128))),
      /** The binding that granted it. */
      via: v.optional(v.pipe(v.string(), v.maxLength(64))),
      /** The policy clock of the scopes that were decided in. */
      policyVersion: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
      /** SHA-256 of the Idempotency-Key, base64url. */
      idempotencyKeyHash: v.optional(v.pipe(v.string(), v.maxLength(64))),
      /** What the caller said of why: the header Sentral-Reason. */
      reason: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(1000))),
      /** Where it came from and who the caller is, for audit alone: source {ip, userAgent}, actor {issuer, subject, displayName}. */
      sealed: v.optional(sealedSchema),
    }),
  ),
});
export type Caller = v.InferInput<typeof callerSchema>;

type Nouns<C extends ContractDef> = C['nouns'];

/** What belongs to one call and not to its command. */
export interface CallOptions {
  /** When it aborts, nobody waits for the answer any more: a far call ends as one whose answer was lost, a near one goes on. */
  readonly signal?: AbortSignal;
}

/** The contract as its users see it: an object of functions, near or far. */
export type Implements<C extends ContractDef> = {
  readonly [N in keyof Nouns<C>]: {
    readonly [V in keyof Nouns<C>[N]]: Nouns<C>[N][V] extends VerbDef
      ? (
          caller: Caller,
          command: v.InferInput<Nouns<C>[N][V]['command']>,
          options?: CallOptions,
        ) => Promise<v.InferOutput<Nouns<C>[N][V]['result']>>
      : never;
  };
};

/** The contract as its context writes it: behind `checked`, the command is parsed, so defaults and brands are there. */
export type Verbs<C extends ContractDef> = {
  readonly [N in keyof Nouns<C>]: {
    readonly [V in keyof Nouns<C>[N]]: Nouns<C>[N][V] extends VerbDef
      ? (
          caller: Caller,
          command: v.InferOutput<Nouns<C>[N][V]['command']>,
        ) => Promise<v.InferInput<Nouns<C>[N][V]['result']>>
      : never;
  };
};

export interface CheckedOptions {
  /** Parses results too: for tests, where a result outside its schema must be seen; costs a parse in production. */
  readonly results?: boolean;
  /** Hears of every problem outside `refuses`, with the verb's name, before it turns into `internal`. */
  readonly report?: (verb: string, error: unknown) => void;
}

type AnyVerb = (caller: Caller, command: unknown) => Promise<unknown>;

/**
 * Puts the contract's boundary in front of an implementation: caller and command are parsed, and a refusal that the
 * verb does not list becomes `internal`, since nobody can have been ready for it.
 * @throws Problem validation-failed, internal
 */
export function checked<const C extends ContractDef>(
  contract: C,
  verbs: Verbs<C>,
  options: CheckedOptions = {},
): Implements<C> {
  const entries = Object.entries(contract.nouns).map(([noun, defs]) => {
    const given = (verbs as Record<string, Record<string, AnyVerb>>)[noun];
    const checkedVerbs = Object.entries(defs).map(([name, def]) => {
      const work = given?.[name];
      if (work === undefined) throw new TypeError(`${contract.context}.${noun}.${name} is not implemented`);
      return [name, checkedVerb(`${contract.context}.${noun}.${name}`, { def, work }, options)];
    });
    return [noun, Object.fromEntries(checkedVerbs)];
  });
  return Object.fromEntries(entries) as Implements<C>;
}

function checkedVerb(name: string, { def, work }: { def: VerbDef; work: AnyVerb }, options: CheckedOptions): AnyVerb {
  const allowed = new Set<ProblemCode>([...def.refuses, ...universalProblems]);
  return async (caller, command) => {
    const from = parseContent(callerSchema, caller, '/caller');
    const asked = parseContent(def.command, command);
    let result: unknown;
    try {
      result = await work(from, asked);
    } catch (error) {
      if (!isProblem(error) || allowed.has(error.code)) throw error;
      options.report?.(name, error);
      throw bug(`${name} refused with ${error.code}, which it does not list`, error);
    }
    if (options.results !== true) return result;
    const seen = v.safeParse(def.result, result);
    if (seen.success) return asReplayed(result, seen.output);
    throw bug(`${name} gave a result outside its contract: ${v.summarize(seen.issues)}`);
  };
}

/**
 * The stored answer to a repeated key carries `replayed: true`, whatever the verb: it belongs to the way a call travels, like
 * the problems that any verb may answer, so a result that is read by its schema keeps it.
 */
export function asReplayed(given: unknown, read: unknown): unknown {
  const replayed = typeof given === 'object' && given !== null && (given as { replayed?: unknown }).replayed === true;
  return replayed ? { ...(read as object), replayed: true } : read;
}

// What went wrong travels as the cause, which is logged and never serialized.
function bug(message: string, cause?: unknown): Error {
  return Object.assign(problem('internal'), { cause: new Error(message, { cause }) });
}
