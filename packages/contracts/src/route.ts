import type * as v from 'valibot';
import type { Permission } from './access.js';
import type { ProblemCode } from './problem.js';

type Schema = v.GenericSchema;
// A handler's part of the request is inferred from the schema, so the bound says nothing of its shape.
type PartSchema = v.GenericSchema<unknown, unknown>;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One answer: the schema of its JSON, or null for an empty body. */
export interface ResponseDef {
  readonly description: string;
  readonly schema: Schema | null;
  /** Header name → what it says. A handler must send each of them. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RouteDef {
  readonly operationId: string;
  readonly method: Method;
  readonly path: `/v1/${string}` | '/livez' | '/readyz' | '/openapi.json' | '/asyncapi.json';
  readonly summary: string;
  readonly tags: readonly string[];
  /** The one permission that is checked before anything is read; null for public documents and probes alone. */
  readonly permission: Permission | null;
  /**
   * Where the permission is checked: `platform`; `pathScope`, the scope that `:id` names, or the platform under
   * /v1/platform; `queryScope`, the scope that the parameter `scope` names; `item`, the scope in which the thing that
   * `:id` names lies; `visible`, nowhere in particular: the answer holds what the caller may see. Absent: the platform,
   * for a permission on things of the platform, and no other.
   */
  readonly on?: 'platform' | 'pathScope' | 'queryScope' | 'item' | 'visible';
  /** True when anyone who is authenticated may ask, and the answer itself holds only what the caller may see. */
  readonly self?: true;
  readonly params?: PartSchema;
  readonly query?: PartSchema;
  readonly headers?: PartSchema;
  /** Ids of the answer that `expand` may follow, without their `Id`: `tenant` for `tenantId`. `fields` needs no word here. */
  readonly expand?: readonly string[];
  readonly body?: Schema;
  /** Media type of the body; application/json unless told. */
  readonly bodyType?: 'application/json' | 'application/merge-patch+json' | 'application/x-ndjson';
  readonly responses: { readonly [status: number]: ResponseDef };
  /** What the answer may refuse with, besides what every route may. */
  readonly problems: readonly ProblemCode[];
}

/** What any route may answer: limits, rate, what its parts require, and what breaks under it. */
export function commonProblems(def: RouteDef): readonly ProblemCode[] {
  const open = def.permission === null && def.self === undefined;
  return [
    // A query parameter that nobody knows, or a precondition, a key or a reason that is none.
    'invalid-parameter',
    ...(open ? [] : (['unauthenticated'] as const)),
    ...(def.permission === null ? [] : (['permission-denied', 'not-found'] as const)),
    ...(def.body === undefined
      ? []
      : (['malformed-request', 'content-too-large', 'unsupported-media-type', 'validation-failed'] as const)),
    'not-acceptable',
    'uri-too-long',
    'header-too-large',
    'rate-limited',
    'internal',
    'dependency-unavailable',
    'overloaded',
    'timeout',
    ...(def.method === 'GET'
      ? []
      : (['outcome-unknown', 'idempotency-in-progress', 'idempotency-key-reused'] as const)),
  ];
}

/** Declares a route; exists so that its literals keep their types. */
export const route = <const R extends RouteDef>(def: R): R => def;

export type Routes = Readonly<Record<string, RouteDef>>;

type PartName = 'params' | 'query' | 'headers' | 'body';
type Part<R> = { [K in PartName & keyof R]: undefined extends R[K] ? never : K }[PartName & keyof R];
type In<S> = S extends Schema ? v.InferInput<S> : undefined;
type Out<S> = S extends Schema ? v.InferOutput<S> : undefined;

type Names = string | readonly string[];
type Shaping<R> = R extends { readonly expand: readonly (infer E)[] }
  ? { readonly query?: { readonly fields?: Names; readonly expand?: E | readonly E[] } }
  : R extends { readonly method: 'GET' }
    ? { readonly query?: { readonly fields?: Names } }
    : unknown;

/** What a caller passes. */
export type RequestOf<R extends RouteDef> = { readonly [K in Part<R>]: In<R[K]> } & Shaping<R>;

/** What a handler gets: parsed. */
export type ParsedOf<R extends RouteDef> = { readonly [K in Part<R>]: Out<R[K]> };

type HeadersOf<D extends ResponseDef> = D extends { readonly headers: infer H }
  ? { readonly headers: { readonly [N in keyof H]: string } & { readonly [name: string]: string } }
  : { readonly headers?: Readonly<Record<string, string>> };

type Answer<R extends RouteDef, S extends keyof R['responses'] & number> = {
  readonly status: S;
  readonly body: R['responses'][S]['schema'] extends Schema ? v.InferOutput<R['responses'][S]['schema']> : null;
} & HeadersOf<R['responses'][S]>;

/** What a handler returns and a caller gets back: one member per declared status. */
export type ResultOf<R extends RouteDef> = {
  [S in keyof R['responses'] & number]: Answer<R, S>;
}[keyof R['responses'] & number];
