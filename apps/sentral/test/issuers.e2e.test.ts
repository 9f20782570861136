import { afterEach, describe, expect, test } from 'vitest';
import { issuersFile, startIssuer, type Issuer } from './issuer.js';
import { startServer, type Json, type TestServer } from './start-server.js';

const minute = 60_000;
/** The clock that tokens and keys are judged by stands still unless it is moved. */
let at = Date.now();
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each();
});

async function installation(...names: readonly string[]): Promise<{ server: TestServer; issuers: Issuer[] }> {
  at = Date.now();
  const issuers = await Promise.all(names.map((name) => startIssuer(name, () => at)));
  const file = issuersFile(...issuers);
  undo.push(file.remove, ...issuers.map((each) => each.stop));
  const server = await startServer({ SENTRAL_ISSUERS_FILE: file.name }, { clock: () => new Date(at) });
  undo.push(server.stop);
  return { server, issuers };
}

/** Asked once: what says 503 is not asked again for this test. */
async function whoami(server: TestServer, token: string) {
  const answer = await fetch(`${server.url}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
  const body = (await answer.json()) as Json;
  return { said: [answer.status, body.reason ?? body.code ?? 'ok'].join(' '), headers: answer.headers };
}

/** Some of everything at once, and how often each was said. */
async function together(asked: readonly Promise<{ said: string }>[]) {
  const counts: Record<string, number> = {};
  for (const { said } of await Promise.all(asked)) counts[said] = (counts[said] ?? 0) + 1;
  return counts;
}

describe('keys of an issuer', () => {
  test('are not fetched for two hundred key ids that nobody knows, and good tokens pass all the while', async () => {
    const { server, issuers } = await installation('one');
    const one = issuers[0]!;
    const good = await one.token('ada');
    expect((await whoami(server, good)).said).toBe('200 ok');
    expect(one.fetches()).toBe(1);
    const storm = async () => {
      const forged = await Promise.all(Array.from({ length: 200 }, (_, n) => one.token('eve', { kid: `kid-${n}` })));
      return together(forged.flatMap((token) => [whoami(server, token), whoami(server, good)]));
    };
    expect(await storm()).toEqual({ '401 invalid': 200, '200 ok': 200 });
    expect(one.fetches(), 'while cooling down').toBe(1);
    at += 31_000;
    expect(await storm()).toEqual({ '401 invalid': 200, '200 ok': 200 });
    expect(one.fetches(), 'once for the whole storm').toBe(2);
  });

  test('may be turned: a new one is found, and one that was withdrawn opens nothing after ten minutes', async () => {
    const { server, issuers } = await installation('one');
    const one = issuers[0]!;
    const before = await one.token('ada');
    expect((await whoami(server, before)).said).toBe('200 ok');
    await one.rotate();
    const after = await one.token('ada');
    at += 31_000;
    expect((await whoami(server, after)).said).toBe('200 ok');
    expect((await whoami(server, before)).said, 'the old one is still published').toBe('200 ok');
    await one.rotate('withdraw');
    at += 10 * minute + 1_000;
    const asked = [before, after, await one.token('ada')].map((token) => whoami(server, token));
    expect((await Promise.all(asked)).map(({ said }) => said)).toEqual(['401 invalid', '401 invalid', '200 ok']);
  });
});

describe('an issuer that is down', () => {
  test('for an hour locks nobody out whose key is known, is not stormed, and leaves the other one untouched', async () => {
    const { server, issuers } = await installation('one', 'two');
    const [one, two] = issuers as [Issuer, Issuer];
    const [ada, bob] = [await one.token('ada'), await two.token('bob')];
    expect(await together([whoami(server, ada), whoami(server, bob)])).toEqual({ '200 ok': 2 });
    one.answer('down');
    at += 60 * minute;
    const many = () => Array.from({ length: 100 }, () => [whoami(server, ada), whoami(server, bob)]).flat();
    expect(await together(many())).toEqual({ '200 ok': 200 });
    expect([one.fetches(), two.fetches()]).toEqual([2, 2]);
    const forged = await one.token('eve', { kid: 'nobody-knows' });
    expect((await whoami(server, forged)).said).toBe('401 invalid');

    // Back with another key.
    one.answer('up');
    await one.rotate();
    const carol = await one.token('carol');
    at += 31_000;
    expect(await together([whoami(server, carol), whoami(server, ada)])).toEqual({ '200 ok': 2 });
    expect([one.fetches(), two.fetches()]).toEqual([3, 2]);
  });

  test('by not answering costs one request its patience, and the others nothing', async () => {
    const { server, issuers } = await installation('one');
    const one = issuers[0]!;
    const token = await one.token('ada');
    expect((await whoami(server, token)).said).toBe('200 ok');
    one.answer('silent');
    at += 11 * minute;
    expect((await whoami(server, token)).said).toBe('200 ok');
    const began = performance.now();
    for (let n = 0; n < 10; n += 1) {
      at += minute;
      expect((await whoami(server, token)).said).toBe('200 ok');
    }
    // Each of the ten would have waited the three seconds that a fetch may take.
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('for more than a day is not trusted from memory, and says that it is away instead of calling a token invalid', async () => {
    const { server, issuers } = await installation('one');
    const one = issuers[0]!;
    expect((await whoami(server, await one.token('ada'))).said).toBe('200 ok');
    one.answer('down');
    at += 23 * 60 * minute;
    const token = await one.token('ada');
    expect((await whoami(server, token)).said).toBe('200 ok');
    at += 61 * minute;
    const refused = await whoami(server, token);
    expect([refused.said, refused.headers.get('retry-after')]).toEqual(['503 dependency-unavailable', '2']);
    one.answer('up');
    at += 31_000;
    expect((await whoami(server, token)).said).toBe('200 ok');
  });

  test('when Sentral starts is found as soon as it is back, and nobody of another issuer has noticed', async () => {
    const { server, issuers } = await installation('one', 'two');
    const [one, two] = issuers as [Issuer, Issuer];
    one.answer('down');
    const [ada, bob] = [await one.token('ada'), await two.token('bob')];
    const asked = Array.from({ length: 50 }, () => [whoami(server, ada), whoami(server, bob)]).flat();
    expect(await together(asked)).toEqual({ '503 dependency-unavailable': 50, '200 ok': 50 });
    expect(one.fetches()).toBe(1);
    one.answer('up');
    at += 3_000;
    expect((await whoami(server, ada)).said).toBe('200 ok');
  });
});
