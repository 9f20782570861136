import { inventory as contract } from '@sentral/contracts/inventory';
import type { Caller } from '@sentral/contracts/contract';
import { isProblem } from '@sentral/contracts/problem';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { cases, type Case, type Viewer } from './wall/cases.js';
import { callerOf, createWorld, owners, type Builder, type Owner, type Seat, type World } from './wall/world.js';

let place: TestDatabase;
let world: World;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  world = await createWorld(place);
});
afterAll(async () => {
  await world?.close();
  await place?.drop();
});

const viewers: Readonly<Record<string, Viewer & { readonly own: Owner }>> = {
  acme: { sees: ['acme'], scopes: ['acme'], own: 'acme' },
  bolt: { sees: ['bolt'], scopes: ['bolt'], own: 'bolt' },
  both: { sees: ['acme', 'bolt'], scopes: ['acme', 'bolt'], own: 'acme' },
  'the platform': { sees: ['common'], scopes: [], own: 'common' },
  'the platform and acme': { sees: ['acme', 'common'], scopes: ['acme'], own: 'acme' },
  'an environment of acme': { sees: [], scopes: ['acme'], own: 'acme' },
  all: { sees: owners, scopes: owners, own: 'acme' },
};

const of = (owner: 'acme' | 'bolt') => world.trees[owner];
function callerFor(name: string): Caller {
  const none = { projectIds: [], environmentIds: [] };
  switch (name) {
    case 'acme':
    case 'bolt':
      return callerOf({ ...none, tenantIds: [of(name).tenant.id] });
    case 'both':
      return callerOf({ ...none, tenantIds: [of('acme').tenant.id, of('bolt').tenant.id] });
    case 'the platform':
      return callerOf({ ...none, tenantIds: [], platform: true });
    case 'the platform and acme':
      return callerOf({ ...none, tenantIds: [of('acme').tenant.id], platform: true });
    case 'an environment of acme':
      return callerOf({ ...none, tenantIds: [], environmentIds: [world.seats.acme.environment] });
    default:
      return callerOf({ all: true });
  }
}

type Answer = { readonly result: unknown } | { readonly problem: unknown; readonly code: string };

async function ask(caller: Caller, verb: string, command: object): Promise<Answer> {
  const [noun = '', name = ''] = verb.split('.');
  const call = (world.inventory as unknown as Builder)[noun]?.[name];
  if (call === undefined) throw new Error(`no verb ${verb}`);
  try {
    return { result: await call(caller, command) };
  } catch (error) {
    if (!isProblem(error) || error.code === 'internal' || error.code === 'validation-failed') {
      if (!isProblem(error, 'validation-failed') || !verb.startsWith('allocation.')) throw error;
    }
    return { code: error.code, problem: JSON.parse(JSON.stringify(error)) };
  }
}

// A thing's own space and domain are part of what it is called by, and an allocation names what it holds.
const ownName = (key: string) => key === 'spaceId' || key === 'domainId';
function* strings(value: unknown, key = ''): Generator<string> {
  if (typeof value === 'string' && !ownName(key)) yield value;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) yield* strings(inner, Array.isArray(value) ? key : name);
}

/** Ids of unseen things and names of unseen owners that an answer holds, but for those that were asked with. */
function leaksIn(answer: Answer, viewer: Viewer, { verb, command }: { verb: string; command: object }): string[] {
  const said = [...strings('result' in answer && verb.startsWith('allocation.') ? withoutItems(answer) : answer)].join(
    '\n',
  );
  const asked = JSON.stringify(command);
  const seen = new Set(world.things.filter((thing) => isSeen(thing, viewer)).map(({ key }) => key));
  // A resource of the platform is a node too: who sees only the resource may know its id.
  const unseen = world.things.map(({ key }) => key).filter((key) => !seen.has(key));
  const names = owners.filter((owner) => !viewer.sees.includes(owner) && !viewer.scopes.includes(owner));
  return [...unseen, ...names].filter((mark) => said.includes(mark) && !asked.includes(mark));
}
const withoutItems = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'items' && !isList(inner) ? [] : inner)));
const isList = (inner: unknown) => Array.isArray(inner) && inner.every((item) => 'consumer' in (item as object));

const ofScope = ['allocation', 'refusal', 'platformResource'];
const isSeen = (thing: { noun: string; of: readonly Owner[] }, { sees, scopes }: Viewer) =>
  thing.of.every((owner) => (ofScope.includes(thing.noun) ? scopes : sees).includes(owner));

const keyOf = (noun: string, item: Record<string, string>) => (noun === 'number' ? item['name'] : item['id']);

/** Every page of two; each but the last is full. */
async function pages(caller: Caller, verb: string, command: object): Promise<Record<string, string>[]> {
  const items: Record<string, string>[] = [];
  for (let cursor: string | undefined; ;) {
    const answer = await ask(caller, verb, { ...command, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    if (!('result' in answer)) throw new Error(`${verb}: ${answer.code}`);
    const page = answer.result as { items: Record<string, string>[]; nextCursor?: string };
    items.push(...page.items);
    if (page.nextCursor === undefined) return items;
    expect(page.items, `${verb} gives full pages`).toHaveLength(2);
    cursor = page.nextCursor;
  }
}

const each = <K extends string>(kind: K) =>
  Object.entries(cases).filter((entry): entry is [string, Extract<Case, Record<K, unknown>>] => kind in entry[1]);
const limited = Object.keys(viewers).filter((name) => name !== 'all');
const viewerOf = (name: string) => {
  const viewer = viewers[name];
  if (viewer === undefined) throw new Error(`no viewer ${name}`);
  return viewer;
};

test('every verb of the contract says how it meets the wall', () => {
  const verbs = Object.entries(contract.nouns).flatMap(([noun, each]) => Object.keys(each).map((v) => `${noun}.${v}`));
  expect(Object.keys(cases).toSorted()).toEqual(verbs.toSorted());
});

describe.each(Object.keys(viewers))('seen by %s', (name) => {
  const viewer = viewerOf(name);

  test.each(each('list'))(
    '%s holds all that is seen, and nothing else, in full pages',
    async (verb, { list, filters }) => {
      const caller = callerFor(name);
      const seen = world.things.filter((thing) => thing.noun === list && isSeen(thing, viewer)).map(({ key }) => key);
      const found = (await pages(caller, verb, {})).map((item) => keyOf(list, item) ?? '');
      expect(found.toSorted()).toEqual(seen.toSorted());
      for (const filter of owners.flatMap((owner) => filters(world.seats[owner]))) {
        const items = await pages(caller, verb, filter);
        const fits = items.map((item) => keyOf(list, item));
        expect(
          fits.filter((key) => !seen.includes(key ?? '')),
          JSON.stringify(filter),
        ).toEqual([]);
        expect(leaksIn({ result: items }, viewer, { verb, command: filter }), JSON.stringify(filter)).toEqual([]);
      }
    },
  );

  test.each(each('one'))('%s answers for what is seen without a word of the rest', async (verb, { one, of: by }) => {
    const caller = callerFor(name);
    for (const owner of (by === 'scope' ? viewer.scopes : viewer.sees).filter(
      (o) => by !== 'scope' || o !== 'common',
    )) {
      for (const command of one(world.seats[owner], world.seats[owner])) {
        const answer = await ask(caller, verb, command);
        expect(answer, `${verb} ${JSON.stringify(command)}`).toHaveProperty('result');
        expect(leaksIn(answer, viewer, { verb, command }), `${verb} ${JSON.stringify(answer)}`).toEqual([]);
      }
    }
  });

  test.each(each('change'))('%s finds what is seen and names nothing else', async (verb, { change, of: by }) => {
    if (by !== undefined && !viewer.scopes.includes(viewer.own)) return;
    if (by === undefined && !viewer.sees.includes(viewer.own)) return;
    const own = world.seats[viewer.own];
    for (const command of change(own, own)) {
      const answer = await ask({ ...callerFor(name), dryRun: true }, verb, command);
      const code = 'code' in answer ? answer.code : 'done';
      expect(
        ['not-found', 'reference-not-found', 'validation-failed'],
        JSON.stringify([command, answer]),
      ).not.toContain(code);
      expect(leaksIn(answer, viewer, { verb, command }), JSON.stringify(answer)).toEqual([]);
    }
  });
});

describe.each(limited)('unseen by %s', (name) => {
  const viewer = viewerOf(name);
  /** The command on a foreign seat, and on one that never was. */
  const twice = (build: (it: Seat, own: Seat) => readonly object[], owner: Owner) => {
    const own = world.seats[viewer.own];
    const never = build({ ...world.missing(), ...(owner === 'common' ? { tenant: undefined } : {}) }, own);
    return build(world.seats[owner], own).map((foreign, at) => [foreign, never[at] ?? {}] as const);
  };
  const same = async (caller: Caller, verb: string, [foreign, never]: readonly [object, object]) => {
    const [a, b] = [await ask(caller, verb, foreign), await ask(caller, verb, never)];
    expect(a, `${verb} ${JSON.stringify(foreign)}`).toEqual(b);
    expect(a, `${verb} ${JSON.stringify(foreign)}`).toHaveProperty('code');
  };

  test.each(each('one'))('%s answers as for what never was', async (verb, { one, of: by }) => {
    const seen = by === 'scope' ? viewer.scopes : viewer.sees;
    for (const owner of owners.filter((o) => !seen.includes(o)))
      for (const pair of twice(one, owner)) await same(callerFor(name), verb, pair);
  });

  test.each(each('change'))('%s answers as for what never was', async (verb, { change, of: by }) => {
    // What is common may be taken from by every tenant, though none sees it.
    const seen = by === 'scope' ? viewer.scopes : by === 'taking' ? [...viewer.scopes, 'common'] : viewer.sees;
    if (by === 'taking' && viewer.scopes.length !== 1) return;
    for (const owner of owners.filter((o) => !seen.includes(o)))
      for (const pair of twice(change, owner)) await same({ ...callerFor(name), dryRun: true }, verb, pair);
  });

  test.each(each('list'))(
    '%s by a foreign thing finds what it finds by one that never was',
    async (verb, { filters }) => {
      const ids = (filter: object) => Object.values(filter).some((value) => /^[a-z]{3}_/.test(String(value)));
      for (const owner of owners.filter((o) => !viewer.sees.includes(o) && !viewer.scopes.includes(o)))
        for (const [foreign, never] of twice(filters, owner).filter(([filter]) => ids(filter))) {
          if ('spaceId' in foreign || 'domainId' in foreign) continue;
          const [a, b] = [await ask(callerFor(name), verb, foreign), await ask(callerFor(name), verb, never)];
          expect(a, `${verb} ${JSON.stringify(foreign)}`).toEqual(b);
        }
    },
  );

  test.each(each('closed'))('%s is not for them', async (verb, { closed }) => {
    const answer = await ask(callerFor(name), verb, closed);
    if ('result' in answer) expect(answer.result).toEqual({ items: [] });
    else expect(['not-found', 'permission-denied']).toContain(answer.code);
  });

  test.each(each('public'))('%s tells of no tenant', async (verb, { public: command }) => {
    const answer = await ask({ ...callerFor(name), dryRun: true }, verb, command);
    expect(leaksIn(answer, viewer, { verb, command })).toEqual([]);
  });
});
