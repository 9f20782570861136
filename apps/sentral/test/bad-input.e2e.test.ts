import { problems } from '@sentral/contracts/problem';
import type { RouteDef } from '@sentral/contracts/route';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { house, made, type House } from './cast.js';
import { drawOf, keyWords, spoiled, valueOf, type Draw, type Schema } from './drawn.js';
import { everything, makeThings, prefixOf, unknown, type Things } from './operations.js';
import { startServer, type Json, type TestServer } from './start-server.js';

// Every operation of the document is asked with what its schemas allow, with that and one thing wrong, and with what is no request at
// all. SENTRAL_FUZZ_RUNS is how often each, SENTRAL_FUZZ_SEED what is drawn.
const runs = Number(process.env['SENTRAL_FUZZ_RUNS'] ?? 24);
const seed = Number(process.env['SENTRAL_FUZZ_SEED'] ?? 1);

let server: TestServer;
let place: House;
let things: Things;
let document: Json;
beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'acme');
  things = await makeThings(server, place);
  document = (await server.ask('/openapi.json', { token: null })).body;
});
afterAll(() => server.stop());

interface Operation {
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}
interface Asked {
  readonly method: string;
  readonly at: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** What the contract says of it: its body, as it was meant, is refused. */
  readonly refused: boolean;
}

const operationOf = (def: RouteDef): Operation =>
  document.paths[def.path.replaceAll(/:(\w+)/g, '{$1}')][def.method.toLowerCase()] as Operation;
const pathWords = ['%00', '%ff', '%E2%80%AE', "'", 'x'.repeat(300), 'site', '0'];
const preconditions = ['"1"', '"0"', '"99999999999999999999"', 'bogus', 'W/"1"', '', '"1", "2"'];
const keys = ['same', '"same"', '', 'x'.repeat(200), 'a b', '"'];
const noBody = ['', '{', '[]', 'null', '"', '{"a":1}}', '{},', '\u0000'];
const otherTypes = ['text/plain', 'application/json; charset=utf-16', '', 'x'];

const whats = ['path', 'query', 'header', 'body', 'type'] as const;
/** What is wrong with a request: half have nothing wrong, most of the others one thing, some much. */
function wrongsOf(draw: Draw): (what: (typeof whats)[number]) => boolean {
  if (draw.chance(0.45)) return () => false;
  if (draw.chance(0.1)) return () => draw.chance(0.4);
  const one = draw.chance(0.6) ? 'body' : draw.one(whats);
  return (what) => what === one;
}

const takesAway = ({ method, path }: RouteDef) =>
  method === 'DELETE' || /denyRules|roleBindings|policy|\/(suspend|disable|empty|erase|breakGlass)$/i.test(path);

function askedOf(def: RouteDef, draw: Draw): Asked {
  const operation = operationOf(def);
  const known = { draw, known: things };
  const wrong = wrongsOf(draw);
  let at: string = def.path;
  const query = new URLSearchParams();
  for (const { in: where, name, required, schema } of operation.parameters ?? []) {
    if (where === 'path') {
      const given = name === 'id' ? things[prefixOf(def) ?? ''] : name === 'class' ? 'vcpu' : draw.one(keyWords);
      const other = draw.one([unknown('nod'), unknown('tnt'), ...Object.values(things), ...pathWords]);
      at = at.replace(`:${name}`, wrong('path') ? other : (given ?? 'manifest.json'));
      continue;
    }
    // What is not tried is done, now and then; but not what the others stand on.
    if (
      name === 'dryRun'
        ? !takesAway(def) && draw.chance(0.15)
        : !required && draw.chance(name === 'fields' || name === 'expand' ? 0.95 : 0.8)
    )
      continue;
    const given = name === 'dryRun' ? 'true' : valueOf(schema, { ...known, name });
    const text = wrong('query') ? spoiled(given, draw) : given;
    query.append(name, typeof text === 'string' ? text : JSON.stringify(text));
  }
  if (wrong('query'))
    query.append(draw.one(['bogus', '', 'limit', 'dryRun', 'cursor']), draw.one(['', '1', '\u0000', 'abc']));
  const headers: Record<string, string> = {
    authorization: `Bearer ${draw.chance(0.5) ? server.token : place.owner.token}`,
    'if-match': wrong('header') ? draw.one(preconditions) : '*',
    'idempotency-key': wrong('header') ? draw.one(keys) : String(draw.next()),
  };
  if (def.method === 'GET') delete headers['if-match'];
  const asked = { method: def.method, at: query.size === 0 ? at : `${at}?${query.toString()}`, headers };
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (type === undefined || content === undefined) return { ...asked, refused: false };
  headers['content-type'] = wrong('type') ? draw.one(otherTypes) : type;
  if (wrong('type')) return { ...asked, body: draw.one(noBody), refused: false };
  const given = valueOf(content.schema, known);
  const body = JSON.stringify(wrong('body') ? spoiled(given, draw) : given);
  return { ...asked, body, refused: !v.is(def.body as v.GenericSchema, JSON.parse(body)) };
}

/** Words of what is behind the API, none of which an answer may have. */
const internals =
  /node_modules|\bat \w+ \(|\.(ts|js):\d|PostgresError|ECONN|syntax error|relation "|violates|duplicate key/i;

/** What is wrong with an answer, and nothing where all is well. */
function wrongWith(
  def: RouteDef,
  asked: Asked,
  { status, body, type }: { status: number; body: string; type: string },
): string | undefined {
  if (status >= 500) return 'it is nobody’s fault but ours';
  const said = operationOf(def).responses[String(status)];
  if (status !== 431 && said === undefined) return 'the document does not know this status';
  if (status < 400) return asked.refused ? 'its body is not as the contract says' : undefined;
  if (!type.startsWith('application/problem+json')) return `a refusal as ${type}`;
  const problem = JSON.parse(body) as { code: keyof typeof problems; status: number };
  if (problems[problem.code]?.status !== status || problem.status !== status) return 'the code is not of this status';
  const codes = said?.content?.['application/problem+json']?.schema?.properties?.code?.enum as
    | readonly string[]
    | undefined;
  if (codes?.includes(problem.code) === false) return 'the document does not know this code';
  return internals.test(body) ? 'it tells what is behind' : undefined;
}

const reached = new Set<string>();
let requests = 0;

async function ask(asked: Asked): Promise<{ status: number; body: string; type: string }> {
  const headers = Object.fromEntries(Object.entries(asked.headers).filter(([, value]) => value !== ''));
  const { method, body } = asked;
  const send = () =>
    fetch(`${server.url}${asked.at}`, {
      method,
      headers,
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined ? {} : { body }),
    });
  let response = await send();
  // As the typed client does: a busy machine may say so, and it had no effect.
  for (let tries = 1; tries < 10 && response.status === 503 && response.headers.has('retry-after'); tries += 1) {
    await response.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, 250));
    response = await send();
  }
  requests += 1;
  return { status: response.status, body: await response.text(), type: response.headers.get('content-type') ?? '' };
}

test('whatever it is asked, it answers as its document says, and a refusal says what was wrong and nothing of what is behind', async () => {
  const found: string[] = [];
  // What takes things away comes last.
  const order = everything
    .filter(({ path }) => path !== '/v1/events')
    .toSorted((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));
  for (const [n, def] of order.entries()) {
    const draw = drawOf(seed * 1_000_003 + n);
    const all = Array.from({ length: runs }, () => askedOf(def, draw));
    await Promise.all(
      all.map(async (asked) => {
        const answer = await ask(asked).catch((error: unknown) => ({ status: 599, body: String(error), type: '' }));
        if (answer.status < 300) reached.add(def.operationId);
        const wrong = wrongWith(def, asked, answer);
        if (wrong === undefined) return;
        const { authorization: _, ...headers } = asked.headers;
        found.push(
          [
            def.operationId,
            answer.status,
            wrong,
            `${asked.method} ${asked.at.slice(0, 400)}`,
            JSON.stringify(headers),
            asked.body?.slice(0, 600) ?? '',
            answer.body.slice(0, 300),
          ].join('\n    '),
        );
      }),
    );
  }
  console.log(
    `${requests} requests to ${order.length} operations, ${reached.size} of them were done at least once; seed ${seed}`,
  );
  expect(found).toEqual([]);
  // Who refuses everything proves nothing.
  expect(reached.size).toBeGreaterThan(order.length * 0.75);
}, 1_800_000);

test('and what must always hold still does', async () => {
  const holds = async () => {
    const found = await made(server.ask('/v1/system/invariants'), 200);
    return found.contexts.flatMap((of: Json) =>
      of.invariants.filter((each: Json) => each.violations > 0 || each.unknown),
    );
  };
  await expect.poll(holds, { timeout: 30_000, interval: 500 }).toEqual([]);
});
