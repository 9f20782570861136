import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { lockLease, type Lease } from '@sentral/kernel/lease';
import { inTransaction } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { leafOf } from '../log/hashing.js';
import { columnsOf, recordOf, type AuditPart } from '../record/build.js';
import { eraseSubjectKeys, lockLiveSubjects } from '../subject/sql.js';
import { reseal } from './reseal.js';
import { appendRecords, listLogEnds, listRecorded, listRequests, openLog, readNow, type LogEnd } from './sql.js';

export interface Batch {
  readonly context: string;
  readonly afterPos: number;
  /** What follows `afterPos` in the context's feed, without a gap. */
  readonly items: readonly FeedItem[];
}

/**
 * Puts the facts of a batch on record in one transaction, each at the end of its log, and confirms them with it. A fact that is
 * on record already, or has no audit part, only moves the position. Who was erased meanwhile, or is by one of these facts, is sealed for no
 * more. Nothing is done when the lease is another's by then.
 */
export async function appendBatch(deps: Deps, lease: Lease, batch: Batch): Promise<boolean> {
  const lastPos = batch.items.at(-1)?.pos;
  if (lastPos === undefined) return true;
  const { app } = deps.db;
  const facts = batch.items.filter((item) => item.audit !== null);
  // Read before the transaction, so that it stays short: while the lease is ours nobody else appends, and `append` judges.
  const known = await listRecorded(
    app,
    facts.map((item) => decodeId('evt', item.id)),
  );
  const fresh = facts.filter((item) => !known.has(decodeId('evt', item.id)));
  const ends = await logsOf(deps, fresh);
  const primary = await primaries(deps, fresh);
  const sealed = await reseal(deps, fresh);
  const recordedAt = await readNow(app);
  const records = fresh.map((item) => {
    const end = ends.get(item.tenantId ?? '') as { id: string; size: number };
    const record = recordOf(item, { logId: end.id, seq: end.size++, recordedAt, primary: primary.has(item) });
    return {
      ...columnsOf(record),
      leaf: `\\x${Buffer.from(leafOf(record)).toString('hex')}`,
      record,
      event: item.event,
      sealed: sealed.get(item) ?? null,
    };
  });
  const subjects = new Set(records.flatMap((record) => (record.sealed ?? []).map(({ subject }) => subject)));
  return inTransaction(app, async (tx) => {
    if (!(await lockLease(tx, schemaName, lease))) return false;
    const erased = fresh.filter(({ type }) => type === 'tenancy.user.erased').map(({ resource }) => resource.id);
    if (erased.length > 0)
      await eraseSubjectKeys(
        tx,
        erased.map((id) => decodeId('usr', id)),
      );
    const live = await lockLiveSubjects(tx, [...subjects]);
    await appendRecords(tx, {
      context: batch.context,
      afterPos: batch.afterPos,
      lastPos,
      records: records.map((record) => ({
        ...record,
        sealed: record.sealed?.filter(({ subject }) => live.has(subject)) ?? null,
      })),
    });
    return true;
  });
}

/** The facts that are the first of their request to go on record: what the caller asked for, before what follows from it. */
async function primaries(deps: Deps, facts: readonly FeedItem[]): Promise<ReadonlySet<FeedItem>> {
  const asking = facts.flatMap((item) => {
    const { request, asked } = (item.audit ?? {}) as AuditPart;
    return request === undefined || (asked?.outcome ?? 'success') !== 'success' ? [] : [{ item, id: request.id }];
  });
  const taken = new Set(
    await listRequests(
      deps.db.app,
      asking.map(({ id }) => decodeId('req', id)),
    ),
  );
  return new Set(
    asking.flatMap(({ item, id }) => {
      const uuid = decodeId('req', id);
      if (taken.has(uuid)) return [];
      taken.add(uuid);
      return [item];
    }),
  );
}

/** Where each fact's log ends, by its tenant; the log of a tenant that has none is opened. */
async function logsOf(deps: Deps, facts: readonly FeedItem[]): Promise<Map<string, { id: string; size: number }>> {
  const tenants = [...new Set(facts.flatMap((item) => item.tenantId ?? []))];
  const uuids = tenants.map((id) => decodeId('tnt', id));
  let found = await listLogEnds(deps.db.app, uuids);
  const missing = uuids.filter((tenantId) => !found.some((each) => each.tenantId === tenantId));
  const kinds = (['heads', 'platform'] as const).filter((kind) => !found.some((each) => each.kind === kind));
  if (missing.length + kinds.length > 0) {
    await openLogs(deps, { found, kinds, tenants: missing });
    found = await listLogEnds(deps.db.app, uuids);
  }
  return new Map(
    found
      .filter(({ kind }) => kind !== 'heads')
      .map(({ id, tenantId, size }) => [tenantId === null ? '' : encodeId('tnt', tenantId), { id, size }]),
  );
}

/** The name of the log of heads is that of this installation; those of the others begin with it. */
async function openLogs(
  deps: Deps,
  open: { found: readonly LogEnd[]; kinds: readonly ('heads' | 'platform')[]; tenants: readonly string[] },
): Promise<void> {
  const id = deps.newId();
  let root = open.found.find(({ kind }) => kind === 'heads')?.origin;
  if (root === undefined) {
    root = `sentral.${encodeId('log', id)}/audit`;
    await openLog(deps.db.app, { id, kind: 'heads', tenantId: null, origin: root });
  }
  const others: (string | null)[] = [...(open.kinds.includes('platform') ? [null] : []), ...open.tenants];
  for (const tenantId of others) {
    const own = deps.newId();
    const kind = tenantId === null ? 'platform' : 'tenant';
    await openLog(deps.db.app, { id: own, kind, tenantId, origin: `${root}/${encodeId('log', own)}` });
  }
}
