import { openNote, parseCheckpoint, parseNoteKey, formatCheckpoint, fromBase64 } from '@sentral/contracts/audit-note';
import { leafHash, recordLeaf, verifyConsistency, verifyInclusion } from '@sentral/contracts/audit-proof';
import type { Caller } from '@sentral/contracts/contract';
import { encodeId, type Id } from '@sentral/contracts/ids';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import type { Tx } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSigner } from '../src/checkpoint/signer.js';
import { takeCheckpoint } from '../src/checkpoint/take.js';
import type { Deps } from '../src/deps.js';
import { createAudit, type Audit } from '../src/index.js';
import { listRecords } from '../src/record/list.js';
import { appendBatch } from '../src/sequence/append.js';
import { everyone, someFact, somePlace, type Place } from './some-feed.js';

let place: Place;
let audit: Audit;
const [acme, bolt] = [encodeId('tnt', newId()), encodeId('tnt', newId())];
const project = encodeId('prj', newId());
const [ann, node, request] = [encodeId('usr', newId()), encodeId('nod', newId()), encodeId('req', newId())];
const facts: FeedItem[] = [];
const emitted: { note: string; key: string }[] = [];
let pos = 0;

const seeing = (readScope: Caller['readScope']): Caller => ({ ...everyone, readScope });
/** The same sight, by a way that is told which connection to take. */
const across = ({ readScope, ...caller }: Caller): Caller => ({
  ...caller,
  readScope: 'all' in readScope ? readScope : { ...readScope, platform: true },
});
const only = (...tenantIds: Id<'tnt'>[]) => seeing({ tenantIds, projectIds: [], environmentIds: [] });

async function onRecord(items: readonly Partial<FeedItem>[]): Promise<void> {
  const lease = await place.lease();
  const fresh = items.map((item) => someFact(0, item)).map((item, at) => ({ ...item, pos: pos + at + 1 }));
  await appendBatch(place.deps, lease, { context: 'inventory', afterPos: pos, items: fresh });
  await takeCheckpoint(place.deps, lease, {
    signer: createSigner(new Uint8Array(seed)),
    emit: (checkpoint) => emitted.push(checkpoint),
    afterSeconds: 0,
  });
  pos += fresh.length;
  facts.push(...fresh);
}
const seed = randomBytes(32);

beforeAll(async () => {
  place = await somePlace();
  audit = createAudit(place.deps, { results: true });
  await onRecord(
    Array.from({ length: 600 }, (_, at) => ({
      ...(at % 3 === 0 ? {} : { tenantId: at % 3 === 1 ? acme : bolt }),
      ...(at % 30 === 1 ? { projectId: project } : {}),
      ...(at % 60 < 2
        ? {
            resource: { type: 'inventory.node', id: node, version: at + 1 },
            audit: { principal: { id: ann, type: 'user' } },
          }
        : {}),
    })),
  );
  await onRecord([
    {
      tenantId: acme,
      type: 'tenancy.roleBinding.created',
      audit: {
        principal: { id: ann, type: 'user' },
        accessEpoch: 4,
        before: null,
        after: { role: 'owner' },
        auditOnly: [{ key: 'tenancy.x' }],
        request: {
          id: request,
          operation: 'createTenantRoleBinding',
          permission: 'tenancy.roleBinding.create',
          via: 'rbd',
          policyVersion: 9,
          reason: 'CHG-1',
        },
      },
    },
    { tenantId: acme, audit: { principal: { id: ann, type: 'user' }, request: { id: request, operation: 'x' } } },
  ]);
}, 60_000);
afterAll(() => place.end());

async function all(caller: Caller, command: Omit<Parameters<Audit['record']['list']>[1], 'cursor'>) {
  const found = [];
  let cursor: string | undefined;
  do {
    const page: Awaited<ReturnType<Audit['record']['list']>> = await audit.record.list(caller, {
      ...command,
      ...(cursor === undefined ? {} : { cursor }),
    });
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}
/** What the facts say, asked without SQL. */
const told = (holds: (item: FeedItem) => boolean) =>
  facts
    .filter(holds)
    .map((item) => item.id.slice(4))
    .toSorted();
const ids = (records: readonly { id: string }[]) => records.map(({ id }) => id.slice(4));

describe('pages of records', () => {
  test.each<[string, Caller, object, (item: FeedItem) => boolean]>([
    ['everything', everyone, {}, () => true],
    ['a tenant sees its own and nothing else', only(acme), {}, (item) => item.tenantId === acme],
    ['two tenants', only(acme, bolt), {}, (item) => item.tenantId !== undefined],
    [
      'a project',
      seeing({ tenantIds: [], projectIds: [project], environmentIds: [] }),
      {},
      (item) => item.projectId === project,
    ],
    [
      'a tenant and a project in it, each record once',
      seeing({ tenantIds: [acme], projectIds: [project], environmentIds: [] }),
      {},
      (item) => item.tenantId === acme,
    ],
    [
      'the platform',
      seeing({ tenantIds: [], projectIds: [], environmentIds: [], platform: true }),
      {},
      (item) => item.tenantId === undefined,
    ],
    ['nothing', seeing({ tenantIds: [], projectIds: [], environmentIds: [] }), {}, () => false],
    ['another tenant by name', only(acme), { tenantId: bolt }, () => false],
    ['a resource', everyone, { resourceId: node }, (item) => item.resource.id === node],
    [
      'a resource, as a tenant',
      only(acme),
      { resourceId: node, resourceType: 'inventory.node' },
      (item) => item.resource.id === node && item.tenantId === acme,
    ],
    [
      'an actor',
      everyone,
      { actorId: ann },
      (item) => (item.audit as { principal: { id: string } }).principal.id === ann,
    ],
    ['a request', only(acme), { requestId: request }, (item) => 'request' in (item.audit ?? {})],
    ['what begins with an action', everyone, { actionPrefix: 'tenancy.' }, (item) => item.type.startsWith('tenancy.')],
    ['what counts for policy', everyone, { policyRelevant: true }, (item) => item.type.startsWith('tenancy.')],
    ['a class that there is none of', everyone, { class: ['read'] }, () => false],
    ['before the first', everyone, { to: '2020-01-01T00:00:00Z' }, () => false],
    [
      'from yesterday on',
      everyone,
      { from: new Date(Date.now() - 86_400_000).toISOString(), outcome: ['success'] },
      () => true,
    ],
  ])('%s', async (_title, caller, filters, holds) => {
    const newestFirst = ids(await all(caller, { ...filters, limit: 37 }));
    expect(newestFirst).toEqual(told(holds).toReversed());
    expect(ids(await all(caller, { ...filters, limit: 500, sort: 'id' }))).toEqual(told(holds));
  });

  test('of one log in the order of its places, which its leaves are the hashes of', async () => {
    const [log] = (await audit.log.list(only(acme), {})).items;
    const records = await all(only(acme), { logId: log!.id, sort: 'seq', limit: 100 });
    expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: log!.size }, (_, at) => at));
    const stored = await place.admin.unsafe(
      'select leaf from audit.record where log_id = (select id from audit.log where tenant_id is not null order by size desc limit 1) order by seq',
    );
    for (const [at, record] of records.entries())
      expect(await recordLeaf(record)).toEqual(new Uint8Array(stored[at]?.['leaf'] as Buffer));
  });

  test('what cannot be asked is refused with its name', async () => {
    await expect(audit.record.list(everyone, { sort: 'seq' })).rejects.toMatchObject({ code: 'unsupported-filter' });
    await expect(audit.record.list(everyone, { resourceId: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid-parameter',
      facts: { parameter: 'resourceId' },
    });
    const { nextCursor } = await audit.record.list(everyone, { limit: 1 });
    await expect(audit.record.list(everyone, { sort: 'id', cursor: nextCursor! })).rejects.toMatchObject({
      code: 'invalid-cursor',
    });
  });
});

test('a record says what was asked, why it was allowed, and one of its request is the primary', async () => {
  const [follows, first] = await all(only(acme), { requestId: request });
  expect(first).toMatchObject({
    action: 'tenancy.roleBinding.created',
    request: { id: request, operation: 'createTenantRoleBinding', primary: true },
    authorization: {
      permission: 'tenancy.roleBinding.create',
      decision: 'allow',
      via: 'rbd',
      accessEpoch: 4,
      policyVersion: 9,
      auditOnly: [{ key: 'tenancy.x' }],
    },
    reason: 'CHG-1',
  });
  expect(follows?.request).toEqual({ id: request, operation: 'x' });
  // A later batch, as that of another context: still one.
  await onRecord([{ tenantId: bolt, audit: { request: { id: request, operation: 'x' } } }]);
  expect((await all(everyone, { requestId: request })).filter((record) => record.request.primary)).toHaveLength(1);
});

describe('proofs', () => {
  const bytes = (text: string) => fromBase64(text)!;

  test('every record of a log is proven in it, at its size and at sizes before, and in no other place', async () => {
    const [log] = (await audit.log.list(only(bolt), {})).items;
    const records = await all(only(bolt), { logId: log!.id, sort: 'seq', limit: 500 });
    for (const record of records.filter(({ seq }) => seq % 23 === 0 || seq > 195)) {
      for (const treeSize of [undefined, record.seq + 1, Math.min(log!.size, record.seq + 60)]) {
        const { leaf, root, hashes, index, ...proof } = await audit.record.proof(only(bolt), {
          id: record.id,
          ...(treeSize === undefined ? {} : { treeSize }),
        });
        expect(bytes(leaf)).toEqual(await recordLeaf(record));
        const claim = { leaf: bytes(leaf), index, size: proof.treeSize, proof: hashes.map(bytes), root: bytes(root) };
        expect([index, await verifyInclusion(claim)]).toEqual([record.seq, true]);
        expect(await verifyInclusion({ ...claim, index: index + 1 })).toBe(false);
      }
    }
    for (const treeSize of [0, records[5]!.seq, log!.size + 1])
      await expect(audit.record.proof(only(bolt), { id: records[5]!.id, treeSize })).rejects.toMatchObject({
        code: 'invalid-parameter',
        facts: { parameter: 'treeSize' },
      });
  });

  test('one size of a log is shown to be the beginning of a later one, past kept subtrees too', async () => {
    await onRecord(Array.from({ length: 400 }, () => ({ tenantId: bolt })));
    const [log] = (await audit.log.list(only(bolt), {})).items;
    expect(log!.size).toBeGreaterThan(512);
    for (const from of [0, 1, 7, 200, 256, 300, 511, 512, log!.size]) {
      const { fromRoot, toRoot, hashes, to } = await audit.log.consistency(only(bolt), { id: log!.id, from });
      const claim = {
        first: from,
        second: to,
        firstRoot: bytes(fromRoot),
        secondRoot: bytes(toRoot),
        proof: hashes.map(bytes),
      };
      expect([from, await verifyConsistency(claim)]).toEqual([from, true]);
      expect(await verifyConsistency({ ...claim, secondRoot: new Uint8Array(randomBytes(32)) })).toBe(from === 0);
    }
    await expect(audit.log.consistency(only(bolt), { id: log!.id, from: log!.size + 1 })).rejects.toMatchObject({
      code: 'invalid-parameter',
      facts: { parameter: 'from' },
    });
  });

  test('a tenant checks its log against the signed note with what it is given alone', async () => {
    const [log] = (await audit.log.list(only(acme), {})).items;
    const { items } = await audit.log.checkpoints(only(acme), { id: log!.id, limit: 1 });
    const [{ size, root, index, signed }] = items as [(typeof items)[number]];
    const key = (await parseNoteKey(emitted[0]!.key))!;
    const note = parseCheckpoint((await openNote(signed!.note, key))!)!;
    const leaf = await leafHash(
      new TextEncoder().encode(formatCheckpoint({ origin: log!.origin, size, root: bytes(root) })),
    );
    const inHeads = { leaf, index, size: signed!.treeSize, proof: signed!.hashes.map(bytes), root: note.root };
    expect(await verifyInclusion(inHeads)).toBe(true);
    const [record] = await all(only(acme), { logId: log!.id, sort: 'seq', limit: 500 });
    const proof = await audit.record.proof(only(acme), { id: record!.id, treeSize: size });
    expect(proof.root).toBe(root);
    const page = await audit.log.checkpoints(only(acme), { id: log!.id });
    expect(page.items.map((each) => each.size)).toEqual(page.items.map((each) => each.size).toSorted((a, b) => b - a));
    expect(page.items.length).toBeGreaterThan(1);
  });

  test('what is not the caller’s is not there', async () => {
    const [log] = (await audit.log.list(only(acme), {})).items;
    const record = (await all(only(acme), {})).find((each) => each.scope.projectId === undefined);
    const inProject = seeing({ tenantIds: [], projectIds: [project], environmentIds: [] });
    for (const other of [only(bolt), inProject])
      for (const call of [
        () => audit.log.get(other, { id: log!.id }),
        () => audit.log.checkpoints(other, { id: log!.id }),
        () => audit.log.consistency(other, { id: log!.id, from: 0 }),
        () => audit.record.get(other, { id: record!.id }),
        () => audit.record.proof(other, { id: record!.id }),
      ])
        await expect(call()).rejects.toMatchObject({ code: 'not-found' });
    expect((await audit.log.list(inProject, {})).items).toEqual([]);
  });
});

test('a page, of whatever kind, walks an index from where it begins', async () => {
  await inTransaction(place.admin, async (tx) => {
    await tx.unsafe('set local session_replication_role = replica');
    const uuid = (family: string, n: string) =>
      `('00000000-0000-7000-${family}-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
    await tx.unsafe(`insert into audit.record (id, log_id, seq, leaf, class, action, outcome, policy_relevant, actor_id, tenant_id, project_id, environment_id, resource_type, resource_id, resource_version, recorded_at, record, request_id)
      select (left(audit.uuid7_floor(now() - n * interval '10 seconds')::text, 14) || '7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        ${uuid('8001', 'n % 50')}, n / 50, sha256('x'), 'change', 'a.b.c', 'success', n % 100 = 0, ${uuid('8002', 'n % 500')}, case when n % 50 > 0 then ${uuid('8001', 'n % 50')} end,
        ${uuid('8003', 'n % 200')}, ${uuid('8004', 'n % 200')}, 'inventory.node', ${uuid('8005', 'n % 2000')}, n, now(), '{}', gen_random_uuid() from generate_series(1, 20000) n`);
  });
  await place.admin.unsafe('analyze audit.record');
  // The other months are empty: what is done there does not matter.
  const [most] = await place.admin.unsafe(
    `select tableoid::regclass::text as part from audit.record group by 1 order by count(*) desc limit 1`,
  );
  const month = String(most?.['part']).replace('audit.', '');
  const id = (family: string, n: number) => `00000000-0000-7000-${family}-${n.toString(16).padStart(12, '0')}`;
  const of = <P extends 'tnt' | 'prj' | 'env' | 'usr' | 'nod' | 'log'>(prefix: P, family: string, n: number) =>
    encodeId(prefix, id(family, n));
  const tenant = only(of('tnt', '8001', 7));
  const statements: readonly [string, Caller, object, RegExp][] = [
    ['the platform’s newest', everyone, {}, /_pkey/],
    ['a tenant’s newest', tenant, {}, /tenant_id_id/],
    [
      'a tenant’s of an hour',
      tenant,
      { from: new Date(Date.now() - 7_200_000).toISOString(), to: new Date(Date.now() - 3_600_000).toISOString() },
      /tenant_id_id/,
    ],
    ['several tenants’', only(of('tnt', '8001', 7), of('tnt', '8001', 8)), {}, /tenant_id_id/],
    [
      'a project’s',
      seeing({ tenantIds: [], projectIds: [of('prj', '8003', 3)], environmentIds: [] }),
      {},
      /project_id_id/,
    ],
    [
      'an environment’s',
      seeing({ tenantIds: [], projectIds: [], environmentIds: [of('env', '8004', 3)] }),
      {},
      /environment_id_id/,
    ],
    [
      'what changed in a project, as its tenant sees it',
      tenant,
      {
        projectId: of('prj', '8003', 3),
        class: ['change'],
        from: new Date(Date.now() - 30 * 86_400_000).toISOString(),
      },
      /project_id_id/,
    ],
    ['an actor’s', everyone, { actorId: of('usr', '8002', 3) }, /record_p\d+_actor_id_id/],
    ['an actor’s in a tenant', tenant, { actorId: of('usr', '8002', 3) }, /tenant_id_actor_id_id/],
    ['a resource’s', everyone, { resourceId: of('nod', '8005', 3) }, /resource_id_id/],
    ['a request’s', everyone, { requestId: request }, /request_id_id/],
    ['a log’s', everyone, { logId: of('log', '8001', 7), sort: 'seq' }, /log_id_seq/],
  ];
  const wrong: string[] = [];
  for (const [title, caller, command, index] of statements) {
    const plans: string[] = [];
    const explaining = (on: Pick<Tx, 'unsafe'>) => ({
      unsafe: async (text: string, params: readonly unknown[] = []) => {
        const plan = await on.unsafe(`explain (costs off) ${text}`, params);
        plans.push(plan.map((row) => String(row['QUERY PLAN'])).join('\n'));
        return on.unsafe(text, params);
      },
    });
    const deps: Deps = {
      ...place.deps,
      db: { ...place.deps.db, platform: explaining(place.deps.db.platform) as never },
    };
    const asTenant = caller === tenant;
    if (asTenant) {
      // As the reader of one tenant, whose policy is part of the plan.
      await inTransaction(
        place.deps.db.read,
        async (tx) => {
          const open = { ...place.deps, db: { ...place.deps.db, platform: explaining(tx) as never } };
          await listRecords(open, across(caller), { limit: 50, sort: '-id', ...command });
        },
        { settings: { 'sentral.tenant': id('8001', 7) } },
      );
    } else await listRecords(deps, caller, { limit: 50, sort: '-id', ...command });
    const plan = plans.join('\n');
    if (!index.test(plan) || plan.includes(`Seq Scan on ${month}`)) wrong.push(`${title}\n${plan}`);
  }
  expect(wrong).toEqual([]);
});
