import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { as, person } from './cast.js';
import { startServer, type Answer, type Json, type TestServer } from './start-server.js';

const burst = 12;
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ SENTRAL_RATE_LIMITS: `read=1:${burst},write=1:${burst}` });
});
afterAll(() => server.stop());

/** Many at once, and how many more tokens than the burst came back while they ran. */
async function together(count: number, ask: () => Promise<Answer<Json>>) {
  const began = performance.now();
  const answers = await Promise.all(Array.from({ length: count }, ask));
  const grown = Math.ceil((performance.now() - began) / 1000);
  const refused = answers.filter(({ status }) => status === 429);
  return { grown, refused, passed: answers.filter(({ status }) => status !== 429) };
}

const refusal = ({ headers, body }: Answer<Json>) => ({
  code: body.code,
  violated: body.violatedPolicies,
  policy: headers.get('ratelimit-policy'),
  left: headers.get('ratelimit'),
  type: headers.get('content-type'),
});

describe('what one principal asks', () => {
  test('is let through up to its burst; then it is told for how long to wait, and nobody else is', async () => {
    const [greedy, modest] = [await person(server, 'greedy'), await person(server, 'modest')];
    const { grown, refused, passed } = await together(60, () => server.ask('/v1/whoami', as(greedy)));
    // Its first request, which made it known, took one token too.
    expect(passed.length).toBeGreaterThanOrEqual(burst - 1);
    expect(passed.length).toBeLessThanOrEqual(burst + grown);
    for (const each of refused) {
      expect(refusal(each)).toEqual({
        code: 'rate-limited',
        violated: ['read'],
        policy: `"read";q=${burst};w=${burst}`,
        left: `"read";r=0;t=${burst}`,
        type: 'application/problem+json',
      });
      expect(each.headers.get('retry-after')).toBe('1');
      expect(Object.keys(each.body)).not.toContain('headers');
    }
    const other = await server.ask('/v1/whoami', as(modest));
    expect([other.status, other.headers.get('ratelimit-policy')]).toEqual([200, `"read";q=${burst};w=${burst}`]);
    expect(other.headers.get('ratelimit')).toMatch(/^"read";r=\d+;t=\d+$/);
  });

  test('reading and writing are counted apart, and a refused write does nothing', async () => {
    const make = (n: number) => server.ask('/v1/nodes', { body: { kind: 'site', name: `counted-${n}` } });
    let n = 0;
    const { refused, passed } = await together(40, () => make((n += 1)));
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(passed.map(({ status }) => status))).toEqual(new Set([201]));
    expect(refusal(refused[0]!).violated).toEqual(['write']);
    const { status, body } = await server.ask('/v1/nodes?name.prefix=counted-&limit=100');
    expect([status, body.items.length]).toEqual([200, passed.length]);
  });

  test('waiting as long as it was told lets it in again', async () => {
    const patient = await person(server, 'patient');
    const { refused } = await together(40, () => server.ask('/v1/whoami', as(patient)));
    const seconds = Number(refused[0]?.headers.get('retry-after'));
    expect(seconds).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    expect((await server.ask('/v1/whoami', as(patient))).status).toBe(200);
  });
});

describe('who fails to say who it is', () => {
  test('is refused ten times a minute and address, then has to wait; good credentials from there still pass', async () => {
    const { grown, refused, passed } = await together(40, () => server.ask('/v1/nodes', { token: 'guess' }));
    expect(passed.length).toBeGreaterThanOrEqual(10);
    // One more comes back every six seconds.
    expect(passed.length).toBeLessThanOrEqual(10 + Math.ceil(grown / 6));
    expect(new Set(passed.map(({ body }) => body.reason))).toEqual(new Set(['invalid']));
    for (const each of refused) {
      expect(refusal(each)).toMatchObject({
        code: 'rate-limited',
        violated: ['authentication'],
        policy: '"authentication";q=10;w=60',
      });
      expect(Number(each.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }
    const good = await person(server, 'same-address');
    expect((await server.ask('/v1/whoami', as(good))).status).toBe(200);
  });

  test('cannot fill up the health of the process, or the documents', async () => {
    for (const at of ['/livez', '/readyz', '/openapi.json']) {
      const { refused } = await together(60, () => server.ask(at, { token: null }));
      expect([at, refused.length]).toEqual([at, 0]);
    }
  });
});
