import { platformScopeId, scopeIdSchema, type Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { ParsedOf, ResultOf, RouteDef, Routes } from '@sentral/contracts/route';
import { expandedPageMax, offerOf, readShape, type Offer, type Shape } from '@sentral/contracts/shaping';
import { contentErrors } from '@sentral/contracts/validation';
import type { Seal } from '@sentral/contracts/audit-seal';
import type { Context, Hono } from 'hono';
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { ScopeRef } from '@sentral/contracts/access';
import { nobody, placeOf, type Access } from '../auth/authorize.js';
import type { Door, Entered } from '../auth/door.js';
import type { ScopeId } from '../auth/lineage.js';
import { everyAnswer } from './answer.js';
import { hasContent, readJson, requireMediaType } from './body.js';
import type { Expand } from './expand.js';
import { fingerprint } from './fingerprint.js';
import { matchesNone, readIdempotencyKey, readIfMatch, readReason, type Expected } from './preconditions.js';
import { sealedOnce, withSealed } from './sealed.js';
import { shaped } from './shaped.js';
import type { Story, Trail } from './trail.js';

/** What a handler knows of a request besides its parsed parts. */
export interface Asked {
  readonly caller: Caller;
  /** The binding that let the request through; absent where the answer only shows what the caller may see. */
  readonly via: string | undefined;
  /** Where it was decided, the platform first; nothing for a public document. */
  readonly chain: readonly ScopeRef[];
  readonly requestId: string;
  readonly ifMatch: Expected;
  readonly dryRun: boolean;
  /** Path, filters and sort: what a cursor is bound to. */
  readonly listKey: string;
  /** Path and query without the cursor: where the next page is. */
  readonly listUrl: string;
  readonly raw: Request;
  readonly route: RouteDef;
  readonly address: string;
  /** What else the caller may, for answers that are composed of parts. Nothing for a public document. */
  readonly access: Access;
  readonly entered: Entered | undefined;
  /** The scope that the path names, for routes that are authorized on it. */
  readonly scopeId: ScopeId | undefined;
}

export type Handler<R extends RouteDef> = (input: ParsedOf<R>, asked: Asked) => Promise<ResultOf<R>>;
export type Handlers<R extends Routes> = { readonly [K in keyof R]: Handler<R[K]> };

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Puts handlers behind their routes, in the order of checks that api.md A.5 fixes: authenticate, content type, authorize, parse, idempotency key, preconditions, then the handler.
 * A route that declares neither a permission nor its own openness does not compile.
 */
export function mount<const R extends Routes>(
  app: Hono,
  routes: R,
  use: { handlers: Handlers<R>; door: Door; expand: Expand; trail: Trail; seal: Seal; patience: Patience },
): void {
  for (const [name, def] of Object.entries(routes)) {
    const handler = use.handlers[name] as unknown as (input: object, asked: Asked) => Promise<Answer>;
    if (handler === undefined) throw new TypeError(`route ${name} has no handler`);
    if (def.permission !== null) placeOf(def);
    const offer = offerOf(def);
    app.on(def.method, def.path, async (c) => {
      const story = begun(c, def, use.seal);
      try {
        const known = await answerOf(c, { ...use, def, offer, handler, story });
        // What is read and kept on record is on record before anyone sees it.
        await use.trail.answered(story, known.body);
        return respond(c, def, { ...known, headers: { ...story.entered?.headers, ...known.headers } });
      } catch (error) {
        use.trail.refused(story, error);
        throw error;
      }
    });
  }
}

function begun(c: Context, def: RouteDef, seal: Seal): Story {
  const { address } = entering(c, def);
  const from = () => ({ address, userAgent: c.req.header('user-agent'), entered: story.entered });
  const story: Story = {
    def,
    requestId: c.get('requestId') as string,
    id: c.req.param('id'),
    sealed: sealedOnce(seal, from),
  };
  return story;
}

type Asking = {
  readonly def: RouteDef;
  readonly offer: Offer | undefined;
  readonly handler: (input: object, asked: Asked) => Promise<Answer>;
  readonly door: Door;
  readonly expand: Expand;
  readonly patience: Patience;
  readonly story: Story;
};

/** Lets an answer wait for what it has begun, where that is asked for. */
export type Patience = (answer: Answer, asked: Asked) => Promise<Answer>;

async function answerOf(c: Context, asking: Asking): Promise<Answer> {
  const { def, offer, handler, door, expand, patience, story } = asking;
  const known = await checks(c, story, door);
  const { input, shape } = await parse(c, def, offer);
  const asked = withBody(known, input, story);
  story.asked = asked;
  const answer = await shaped(await handler(input, asked), { expand, list: offer?.list === true, shape, asked });
  await door.changed(def);
  return asked.dryRun ? tried(answer) : isHeld(input) ? held(answer) : patience(answer, asked);
}

async function checks(c: Context, story: Story, door: Door): Promise<Asked> {
  const { def } = story;
  const open = def.permission === null && def.self === undefined;
  const entered = open ? undefined : await door.enter(entering(c, def));
  if (def.body !== undefined && !isEmpty(c.req.raw)) requireMediaType(c.req.raw, mediaTypesOf(def));
  const url = new URL(c.req.url);
  if (entered !== undefined) story.entered = entered;
  const authorized =
    entered === undefined ? undefined : await door.authorize(entered, { def, target: targetOf(c, def, url) });
  const asked: Asked = {
    caller: authorized?.caller ?? nobody,
    via: authorized?.via,
    chain: authorized?.chain ?? [],
    requestId: c.get('requestId') as string,
    ifMatch: undefined,
    dryRun: false,
    listKey: `${url.pathname}?${listed(url, ['cursor', 'limit', 'fields', 'expand'])}`,
    listUrl: `${url.pathname}?${listed(url, ['cursor'])}`,
    raw: c.req.raw,
    route: def,
    address: entering(c, def).address,
    access: authorized?.access ?? noAccess,
    entered,
    scopeId: def.on === 'pathScope' ? ((c.req.param('id') ?? platformScopeId) as ScopeId) : undefined,
  };
  story.asked = asked;
  return asked;
}

const listed = (url: URL, without: readonly string[]): string =>
  new URLSearchParams([...url.searchParams].filter(([name]) => !without.includes(name)).toSorted(byText)).toString();

const byText = ([a, x]: readonly [string, string], [b, y]: readonly [string, string]): number =>
  `${a}=${x}` < `${b}=${y}` ? -1 : 1;

/** Address as the connection has it: what a header says of it could be anyone's word. */
function entering(c: Context, def: RouteDef) {
  const { incoming } = (c.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return {
    authorization: c.req.header('authorization'),
    address: incoming?.socket?.remoteAddress ?? 'unknown',
    changes: def.method !== 'GET',
  };
}

/** What the path or the query names of where to act, in its right form: an id of another kind names nothing there. */
function targetOf(c: Context, def: RouteDef, url: URL) {
  // Only what is needed to find the scope is read before the caller is let in.
  if (def.params !== undefined && (def.on === 'pathScope' || def.on === 'item'))
    partOf(def.params, c.req.param(), (name) => problem('invalid-parameter', { parameter: name }));
  const scope = url.searchParams.get('scope') ?? undefined;
  if (def.on === 'queryScope' && !v.is(scopeIdSchema, scope))
    throw problem('invalid-parameter', { parameter: 'scope' });
  return { id: c.req.param('id'), scope };
}

const noAccess: Access = {
  may: () => false,
  mayOn: async () => false,
  readScope: () => nobody.readScope,
};

async function parse(
  c: Context,
  def: RouteDef,
  offer: Offer | undefined,
): Promise<{ input: Record<string, unknown>; shape: Shape }> {
  const input: Record<string, unknown> = {};
  if (def.params !== undefined) {
    // An id of the wrong form names nothing that exists.
    input['params'] = partOf(def.params, c.req.param(), (name) => problem('invalid-parameter', { parameter: name }));
  }
  const { fields: _, expand: __, ...queries } = c.req.queries();
  const query = Object.fromEntries(
    Object.entries(queries).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
  const shape = readShape(offer, new URL(c.req.url).searchParams);
  const strict = def.query ?? v.strictObject({});
  input['query'] = partOf(strict, query, (name) => problem('invalid-parameter', { parameter: name }));
  if (def.headers !== undefined)
    input['headers'] = partOf(def.headers, c.req.header(), (name) => problem('invalid-parameter', { parameter: name }));
  if (def.body !== undefined && (def.bodyType ?? 'application/json') !== 'application/x-ndjson') {
    // An action without content is the action with nothing said.
    const json = isEmpty(c.req.raw) ? {} : await readJson(c.req.raw, mediaTypesOf(def));
    const parsed = v.safeParse(def.body, json);
    if (!parsed.success) throw problem('validation-failed', { errors: contentErrors(parsed.issues) });
    input['body'] = parsed.output;
  }
  if (shape.expand !== undefined) narrow(input['query'] as { limit?: number | undefined });
  return { input, shape };
}

/** Each item of an expanded page is looked up on its own, so there are fewer of them. */
function narrow(query: { limit?: number | undefined }): void {
  if (query.limit !== undefined) query.limit = Math.min(query.limit, expandedPageMax);
}

function partOf(schema: v.GenericSchema<unknown, unknown>, value: unknown, refuse: (name: string) => Error): unknown {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const key = parsed.issues[0].path?.[0]?.key;
  throw refuse(typeof key === 'string' ? key : 'request');
}

const isEmpty = (request: Request) => !hasContent(request) && !request.headers.has('content-type');

function mediaTypesOf(def: RouteDef): readonly string[] {
  if (def.bodyType === 'application/merge-patch+json') return ['application/merge-patch+json'];
  if (def.bodyType === 'application/x-ndjson')
    return ['application/x-ndjson', 'application/json', 'application/yaml', 'text/yaml', 'application/octet-stream'];
  return [def.bodyType ?? 'application/json'];
}

function withBody(asked: Asked, input: Record<string, unknown>, { def, sealed }: Story): Asked {
  const { raw } = asked;
  const url = new URL(raw.url);
  const ifMatch = raw.headers.get('if-match') ?? undefined;
  const key = def.method === 'GET' ? undefined : readIdempotencyKey(raw.headers.get('idempotency-key') ?? undefined);
  const dryRun = isDryRun(input);
  const told = { ...asked.caller, request: requestOf(asked, def, key) };
  const caller: Caller = {
    // A change is put on record by its context; a read by whom its level asks, if any.
    ...(def.method === 'GET' ? told : withSealed(told, sealed)),
    ...(dryRun ? { dryRun } : {}),
    ...(key === undefined || dryRun
      ? {}
      : {
          idempotency: {
            scope: `${asked.caller.principal.id} ${def.method} ${url.pathname}`,
            key,
            fingerprint: fingerprint({
              method: def.method,
              path: url.pathname,
              query: url.search,
              ifMatch,
              body: input['body'],
            }),
          },
        }),
  };
  return { ...asked, caller, dryRun, ifMatch: readIfMatch(ifMatch) };
}

/** The request as the record of what it changes will show it: what was asked, and by which grant it was let through. */
function requestOf({ requestId, caller, via, raw }: Asked, def: RouteDef, key: string | undefined): Caller['request'] {
  const policyVersion = Math.max(0, ...caller.scopes.map((scope) => scope.policyVersion ?? 0));
  const reason = readReason(raw.headers.get('sentral-reason') ?? undefined);
  return {
    id: requestId,
    operation: def.operationId,
    ...(def.permission === null ? {} : { permission: def.permission }),
    ...(via === undefined ? {} : { via }),
    ...(policyVersion === 0 ? {} : { policyVersion }),
    ...(key === undefined ? {} : { idempotencyKeyHash: createHash('sha256').update(key).digest('base64url') }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function respond(c: Context, def: RouteDef, given: Answer): Response {
  const answer = unreplayed(given);
  const headers: Record<string, string> = {
    ...everyAnswer,
    'request-id': c.get('requestId') as string,
    ...lowerCase(answer.headers),
  };
  const etag = headers['etag'];
  if (def.method === 'GET' && etag !== undefined) {
    headers['cache-control'] = 'private, no-cache';
    if (matchesNone(c.req.header('if-none-match'), etag)) return new Response(null, { status: 304, headers });
  }
  if (answer.body === null) return new Response(null, { status: answer.status, headers });
  if (answer.body instanceof ReadableStream) return new Response(answer.body, { status: answer.status, headers });
  return new Response(JSON.stringify(answer.body), {
    status: answer.status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

const isDryRun = (input: Record<string, unknown>): boolean => (input['query'] as { dryRun?: unknown }).dryRun === true;

/** Tried, and kept for a minute: made like the real thing. */
const isHeld = (input: Record<string, unknown>): boolean => (input['query'] as { dryRun?: unknown }).dryRun === 'hold';
const held = (answer: Answer): Answer => ({ ...answer, headers: { ...answer.headers, 'dry-run': 'hold' } });

/** What would have been made has no id that anyone may keep, and is nowhere to be found. */
function tried({ status, body, headers = {} }: Answer): Answer {
  const { location: _, ...rest } = headers;
  // Of several contexts it is a dry run as far as each could be asked; what was to be begun has no id either.
  const partial = headers['dry-run'] === 'partial';
  const fresh = status === 201 || partial;
  const without = (made: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(made).filter(([name]) => name !== 'id'));
  const made = fresh ? without(body as Record<string, unknown>) : body;
  const items = fresh ? (made as { items?: Record<string, unknown>[] }).items : undefined;
  const shown = items === undefined ? made : { ...(made as object), items: items.map(without) };
  return { status, body: shown, headers: { ...(fresh ? rest : headers), 'dry-run': partial ? 'partial' : 'true' } };
}

/** A stored answer says so in a header, not in its body. */
function unreplayed(answer: Answer): Answer {
  const { body } = answer;
  if (typeof body !== 'object' || body === null || !('replayed' in body)) return answer;
  const { replayed, ...rest } = body;
  return replayed === true
    ? { ...answer, body: rest, headers: { ...answer.headers, 'idempotency-replayed': 'true' } }
    : { ...answer, body: rest };
}

const lowerCase = (headers: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** @throws Problem precondition-required when the caller did not say which version it has read */
export function requireVersion(asked: Pick<Asked, 'ifMatch'>): number | undefined {
  if (asked.ifMatch === undefined)
    throw problem('precondition-required', {}, 'Send If-Match with the ETag that you read, or * when you do not care.');
  return asked.ifMatch === 'any' ? undefined : asked.ifMatch;
}

/** @throws Problem idempotency-key-required */
export function requireIdempotencyKey(asked: Asked): void {
  if (asked.caller.idempotency === undefined && !asked.dryRun) throw problem('idempotency-key-required');
}
