import { canonicalJson } from '@sentral/contracts/canonical-json';
import { encodeId } from '@sentral/contracts/ids';
import type { Database, Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { columnsOf } from '../../src/record/build.js';

/** One tenant has half of everything, so its log is the largest; the last one's actors are few. */
export interface Tenant {
  readonly uuid: string;
  readonly id: string;
  readonly logUuid: string;
  readonly log: string;
  readonly project: { readonly uuid: string; readonly id: string };
  readonly environment: { readonly uuid: string; readonly id: string };
  readonly actors: readonly { readonly uuid: string; readonly id: string }[];
  size: number;
  stack: Buffer[];
}

/** The same at every run, so that a fill which was broken off goes on. */
function uuidOfName(name: string): string {
  const hex = sha256(name).toString('hex');
  return `01980000-0000-7${hex.slice(0, 3)}-8${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
}
const named = <P extends 'prj' | 'env' | 'usr' | 'alc' | 'rbd'>(prefix: P, uuid: string) => ({
  uuid,
  id: encodeId(prefix, uuid),
});
const sha256 = (...parts: (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const [zero, one] = [Buffer.from([0]), Buffer.from([1])];
const resourcesPerRecord = 1 / 8;

let random = randomBytes(8_192);
let used = 0;
/** A UUIDv7 of a moment. */
function idOf(ms: number): string {
  if (used + 10 > random.length) [random, used] = [randomBytes(8_192), 0];
  const tail = random.toString('hex', used, (used += 10));
  const head = ms.toString(16).padStart(12, '0');
  return `${head.slice(0, 8)}-${head.slice(8)}-7${tail.slice(0, 3)}-8${tail.slice(3, 6)}-${tail.slice(6, 18)}`;
}

/** The first id of a moment. */
const firstOf = (ms: number): string =>
  ms
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')
    .concat('-0000-0000-000000000000');

/** Opens the logs of so many tenants, or takes them up as they are. */
export async function makeTenants(db: Database, count: number): Promise<Tenant[]> {
  const heads = uuidOfName('heads');
  const root = `sentral.${encodeId('log', heads)}/audit`;
  await db.unsafe(`select audit.open_log($1, 'heads', null, $2)`, [heads, root]);
  const tenants: Tenant[] = [];
  for (let at = 0; at < count; at += 1) {
    const [uuid, logUuid] = [uuidOfName(`tenant ${at}`), uuidOfName(`log ${at}`)];
    const log = encodeId('log', logUuid);
    await db.unsafe(`select audit.open_log($1, 'tenant', $2, $3)`, [logUuid, uuid, `${root}/${log}`]);
    const [row] = await db.unsafe(
      `select size, array(select encode(h, 'hex') from unnest(stack) with ordinality s(h, at) order by at) as stack from audit.log where id = $1`,
      [logUuid],
    );
    tenants.push({
      uuid,
      logUuid,
      log,
      id: encodeId('tnt', uuid),
      size: Number(row?.['size']),
      stack: ((row?.['stack'] ?? []) as string[]).map((hash) => Buffer.from(hash, 'hex')),
      project: named('prj', uuidOfName(`project ${at}`)),
      environment: named('env', uuidOfName(`env ${at}`)),
      actors: Array.from({ length: at === 0 ? 400 : 20 }, (_, n) => named('usr', uuidOfName(`user ${at} ${n}`))),
    });
  }
  return tenants;
}

const columns = `id, log_id, seq, leaf, class, action, outcome, policy_relevant, actor_id, tenant_id, project_id, environment_id, resource_type,
  resource_id, resource_version, recorded_at, record, event, request_id`;

/**
 * Fills a month with records of allocations and some of bindings, each with the leaf that its canonical JSON has, and grows the trees with them, as `append`
 * would; by COPY, and with the indexes made after. What is returned is the database's part: the next month can be written meanwhile.
 */
export function fillMonth(
  admin: Database,
  { month, records, tenants }: { month: string; records: number; tenants: readonly Tenant[] },
): () => Promise<void> {
  const begins = Date.parse(`${month}-01T00:00:00Z`);
  const next = new Date(begins);
  next.setUTCMonth(next.getUTCMonth() + 1);
  const span = Math.min(next.getTime(), Date.now()) - begins;
  const part = `record_p${month.replace('-', '')}`;
  const things = Array.from({ length: Math.ceil(records * resourcesPerRecord) }, (_, at) => ({
    ...named('alc', idOf(begins)),
    version: 0,
    tenant: tenants[at % 2 === 0 ? 0 : 1 + (at % (tenants.length - 1))] as Tenant,
  }));
  const tiles: Tile[] = [];
  const file = path.join(tmpdir(), `sentral-figures-${part}`);
  const out = openSync(file, 'w', 0o644);
  let lines = '';
  for (let at = 0; at < records; at += 1) {
    const thing = things[Math.floor(Math.random() * things.length)] as Thing;
    lines += `${rowOf(begins + Math.floor((at / records) * span), thing, tiles).join('\t')}\n`;
    if (lines.length < 1_000_000 && at < records - 1) continue;
    writeSync(out, lines);
    lines = '';
  }
  closeSync(out);
  const ends = endsOf(tenants);
  return async () => {
    const fill = async (tx: Tx) => {
      await createPartition(tx, part);
      await tx.unsafe(`copy audit.${part} (${columns}) from '${file}'`);
      await keepTrees(tx, { tiles, ends });
      await tx.unsafe(
        `alter table audit.record attach partition audit.${part} for values from ('${firstOf(begins)}') to ('${firstOf(next.getTime())}')`,
      );
      await tx.unsafe(`select audit.close_partition('${part}')`);
    };
    await inTransaction(admin, fill, { attempts: 1, deadlineMs: 3_600_000 });
    rmSync(file);
  };
}

/**
 * Fills a month with the records of another, set-wise: under ids, places and times of its own, with the leaves of their models. Its tree is that of those
 * leaves; only the text of a record still says what its model's says.
 */
export async function copyMonth(
  admin: Database,
  { month, from, tenants }: { month: string; from: string; tenants: readonly Tenant[] },
): Promise<void> {
  const [source, target] = [from, month].map((each) => {
    const begins = Date.parse(`${each}-01T00:00:00Z`);
    const next = new Date(begins);
    next.setUTCMonth(next.getUTCMonth() + 1);
    return { begins, ends: next.getTime(), part: `record_p${each.replace('-', '')}` };
  }) as [MonthSpan, MonthSpan];
  const stretch = (Math.min(target.ends, Date.now()) - target.begins) / (source.ends - source.begins);
  const ms = (id: string) => `('x' || left(replace(${id}::text, '-', ''), 12))::bit(48)::bigint`;
  const moved = (id: string) =>
    `(lpad(to_hex(${target.begins} + floor((${ms(id)} - ${source.begins}) * ${stretch})::bigint), 12, '0') || substr(replace(${id}::text, '-', ''), 13))::uuid`;
  await inTransaction(
    admin,
    async (tx) => {
      await createPartition(tx, target.part);
      await tx.unsafe(
        `insert into audit.${target.part} (${columns})
         select ${moved('r.id')}, r.log_id, r.seq - f.first + l.size, r.leaf, r.class, r.action, r.outcome, r.policy_relevant, r.actor_id, r.tenant_id, r.project_id,
           r.environment_id, r.resource_type, ${moved('r.resource_id')}, r.resource_version, to_timestamp((${target.begins} + floor((${ms('r.id')} - ${source.begins}) * ${stretch})) / 1000.0),
           r.record, r.event, ${moved('r.request_id')}
         from audit.${source.part} r join (select log_id, min(seq) as first from audit.${source.part} group by 1) f on f.log_id = r.log_id
           join audit.log l on l.id = r.log_id`,
      );
      await tx.unsafe(
        `alter table audit.record attach partition audit.${target.part} for values from ('${firstOf(target.begins)}') to ('${firstOf(target.ends)}')`,
      );
      await tx.unsafe(`select audit.close_partition('${target.part}')`);
      const tiles: Tile[] = [];
      for (const tenant of tenants) {
        const leaves = await tx.unsafe(`select leaf from audit.${target.part} where log_id = $1 order by seq`, [
          tenant.logUuid,
        ]);
        for (const { leaf } of leaves) extend(tenant, leaf as Buffer, tiles);
      }
      await keepTrees(tx, { tiles, ends: endsOf(tenants) });
    },
    { attempts: 1, deadlineMs: 3_600_000 },
  );
}

interface MonthSpan {
  readonly begins: number;
  readonly ends: number;
  readonly part: string;
}

/** As audit makes it itself: its owner's, so that its roles have their rights on it. */
async function createPartition(tx: Tx, part: string): Promise<void> {
  await tx.unsafe(`drop table if exists audit.${part}`);
  await tx.unsafe('set local role audit_owner');
  await tx.unsafe(
    `create table audit.${part} (like audit.record including defaults including constraints including storage)`,
  );
  await tx.unsafe('set local role none');
}

const endsOf = (tenants: readonly Tenant[]) =>
  tenants.map(({ logUuid, size, stack }) => [logUuid, size, stack.map((hash) => hash.toString('hex'))]);

async function keepTrees(tx: Tx, { tiles, ends }: { tiles: readonly Tile[]; ends: ReturnType<typeof endsOf> }) {
  await tx.unsafe(
    `insert into audit.tile select log_id, level, index, decode(hash, 'hex') from unnest($1::uuid[], $2::int[], $3::bigint[], $4::text[]) t(log_id, level, index, hash)`,
    [0, 1, 2, 3].map((column) => tiles.map((tile) => tile[column])),
  );
  for (const end of ends)
    await tx.unsafe(
      `update audit.log set size = $2, stack = array(select decode(h, 'hex') from unnest($3::text[]) with ordinality s(h, at) order by at) where id = $1`,
      end,
    );
}

type Thing = { readonly uuid: string; readonly id: string; readonly tenant: Tenant; version: number };
type Tile = [logUuid: string, level: number, index: number, hash: string];

function rowOf(ms: number, thing: Thing, tiles: Tile[]): readonly unknown[] {
  const { tenant } = thing;
  const policy = Math.random() < 0.01;
  const [uuid, request] = [idOf(ms), idOf(ms)];
  const actor = tenant.actors[Math.floor(Math.random() ** 3 * tenant.actors.length)] as Tenant['actors'][number];
  const seq = tenant.size;
  const [type, target, version] = policy
    ? (['tenancy.roleBinding', named('rbd', idOf(ms)), 1] as const)
    : (['inventory.allocation', thing, (thing.version += 1)] as const);
  const action = `${type}.${version === 1 ? 'created' : 'amended'}`;
  const time = new Date(ms).toISOString();
  const { project, environment } = tenant;
  // Members in the order of canonical JSON; the first of each run is held to it.
  const text = `{"action":"${action}","actor":{"id":"${actor.id}","type":"user"},"authorization":{"accessEpoch":881,"decision":"allow","permission":"inventory.allocation.create","policyVersion":42,"via":"rbd_01kb0000000000000000000000"},"change":{"after":{"amount":${1 + (seq % 64)},"class":"vcpu","name":"vm-${seq}","state":"active"},"before":${version === 1 ? 'null' : `{"amount":1,"class":"vcpu","name":"vm-${seq}","state":"held"}`},"changed":[${version === 1 ? '' : '"/amount","/state"'}]},"class":"change","id":"${encodeId('aud', uuid)}","log":"${tenant.log}","occurredAt":"${time}","outcome":"success","policyRelevant":${policy},"recordedAt":"${time}","request":{"id":"${encodeId('req', request)}","idempotencyKeyHash":"4Rk5zT0u2d9yq1Wc","operation":"createAllocation","primary":true,"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"},"resource":{"id":"${target.id}","type":"${type}","version":${version}},"schema":1,"scope":{"environmentId":"${environment.id}","projectId":"${project.id}","tenantId":"${tenant.id}"},"seq":${seq}}`;
  if (!held) hold(text, uuid);
  const leaf = sha256(zero, text);
  extend(tenant, leaf, tiles);
  const event = `{"id":"${target.id}","state":"active"}`;
  return [
    uuid,
    tenant.logUuid,
    seq,
    `\\\\x${leaf.toString('hex')}`,
    'change',
    action,
    'success',
    policy,
    actor.uuid,
    tenant.uuid,
    project.uuid,
    environment.uuid,
    type,
    target.uuid,
    version,
    time,
    text,
    event,
    request,
  ];
}

let held = false;
function hold(text: string, uuid: string): void {
  const record = JSON.parse(text) as AuditRecord;
  if (canonicalJson(record) !== text || columnsOf(record).id !== uuid)
    throw new Error('what is filled in is not canonical');
  held = true;
}

function extend(tenant: Tenant, leaf: Buffer, tiles: Tile[]): void {
  let node = leaf;
  let place = tenant.size;
  for (let height = 1; place % 2 === 1; height += 1) {
    place = (place - 1) / 2;
    node = sha256(one, tenant.stack.pop() as Buffer, node);
    if (height % 8 === 0) tiles.push([tenant.logUuid, height / 8, place, node.toString('hex')]);
  }
  tenant.stack.push(node);
  tenant.size += 1;
}
