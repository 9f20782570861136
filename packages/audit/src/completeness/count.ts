import type { Caller, Implements } from '@sentral/contracts/contract';
import { isProblem } from '@sentral/contracts/problem';
import type { task } from '@sentral/contracts/task';
import { feedEvent } from '@sentral/kernel/change';
import { record } from '@sentral/kernel/feed';
import { inTransaction } from '@sentral/kernel/transaction';
import { setTimeout as pause } from 'node:timers/promises';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { uuidOf } from '../record/build.js';
import { findConfirmedPos } from '../sequence/sql.js';
import { findRound, keepRound, listMiscounted, wantRounds, wasReported, type Counted, type Told } from './sql.js';

/** What a context offers of its facts. */
export type Facts = Pick<Implements<typeof task>['feed'], 'page' | 'versions'>;

const pageFacts = 500;
/** So many pages at a time: the others and a stop do not wait for the whole of a large context. */
const pagesAtOnce = 40;
const settleTries = 5;

const itself: Caller = {
  principal: { id: schemaName, type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

/** Counts the facts of a context against their records, from where the last round was left. Every change must be on record, and none that never was. */
export async function countContext(
  deps: Deps,
  { context, facts, settleMs = 1_000 }: { context: string; facts: Facts; settleMs?: number },
): Promise<void> {
  let round = await findRound(deps.db.app, context);
  for (let pages = 0; round !== undefined && pages < pagesAtOnce; pages += 1) {
    const asked = { limit: pageFacts, ...(round.cursor === null ? {} : { cursor: round.cursor }) };
    const readAt = Date.now();
    const page = await facts.versions(itself, asked).catch((error: unknown) => {
      if (!isProblem(error, 'invalid-cursor')) throw error;
      return undefined;
    });
    // Another release puts its tables in another order.
    if (page === undefined) return wantRounds(deps.db.app);
    const { items, nextCursor = null } = page;
    const told = items.map(byUuid);
    const suspects = await listMiscounted(deps.db.app, told);
    let wrong: readonly string[] = [];
    if (suspects.length > 0) {
      // What is on its way is not missing: the same facts are looked at again when all that had happened by then is on record.
      if (!(await isSettled(deps, { context, facts, readAt, settleMs }))) return;
      const again = await facts.versions(itself, asked);
      wrong = await confirmed(deps, suspects, again.items.map(byUuid));
    }
    const counted = { cursor: nextCursor, found: round.found + wrong.length, checked: round.checked + items.length };
    await keepRound(deps.db.app, context, counted);
    if (nextCursor === null) return;
    round = counted;
  }
}

const byUuid = ({ id, ...rest }: Told): Told => ({ ...rest, id: uuidOf(id) ?? id });

/** Whether everything that the context had told by then is on record now. */
async function isSettled(
  deps: Deps,
  { context, facts, readAt, settleMs }: { context: string; facts: Facts; readAt: number; settleMs: number },
): Promise<boolean> {
  for (let tries = 0; tries < settleTries; tries += 1) {
    await pause(settleMs);
    const afterPos = await findConfirmedPos(deps.db.app, context);
    const { items, unnumberedSince } = await facts.page(itself, { afterPos, limit: 1 });
    // What waits for its number, behind a transaction that takes long, is in no page and on its way all the same.
    const first = [items[0]?.recordedAt, unnumberedSince].map((at) => (at === undefined ? Infinity : Date.parse(at)));
    if (Math.min(...first) > readAt) return true;
  }
  return false;
}

/** What is still wrong at the second look, told once on record and each time to whoever watches. */
async function confirmed(deps: Deps, suspects: readonly Counted[], again: readonly Told[]): Promise<readonly string[]> {
  const versions = new Map(again.map((fact) => [fact.id, fact.version]));
  const still = new Map((await listMiscounted(deps.db.app, suspects)).map((fact) => [fact.id, fact]));
  const wrong: string[] = [];
  for (const suspect of suspects) {
    // It is gone by now, and its history ends with that.
    const version = versions.get(suspect.id);
    if (version === undefined) continue;
    const now = still.get(suspect.id);
    const reason =
      now !== undefined && now.recorded < now.changes
        ? `of ${now.changes} changes up to version ${now.version}, ${now.recorded} are on record${now.gap === null ? '' : `; the first that is not is version ${now.gap}`}`
        : version < suspect.last
          ? `it has version ${version}, and version ${suspect.last} is on record`
          : undefined;
    if (reason === undefined) continue;
    wrong.push(reason);
    deps.telemetry.count('audit_integrity');
    deps.telemetry.log('error', 'a fact and its records do not agree', { type: suspect.type, id: suspect.id, reason });
    if (!(await wasReported(deps.db.app, suspect.id, reason))) await report(deps, suspect, reason);
  }
  return wrong;
}

/** In the platform's log, by the one way onto it. */
async function report(deps: Deps, { type, id }: Counted, reason: string): Promise<void> {
  const own = deps.newId();
  const told = feedEvent(schemaName, itself, { what: 'request.reported', id: own, version: 1, after: null, reason });
  const asked = { class: 'integrity', action: 'audit.record.miscounted', outcome: 'failed', resource: { type, id } };
  await inTransaction(deps.db.app, (tx) =>
    record(tx, schemaName, { ...told, id: own, event: null, audit: { ...told.audit, asked } }),
  );
}
