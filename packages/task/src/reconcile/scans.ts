import { encodeId } from '@sentral/contracts/ids';
import type { Bus } from '@sentral/kernel/bus/port';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { ask } from '../run/describe.js';
import type { Pass, Page, Scan } from './runner.js';
import {
  endSightings,
  listLanes,
  listSilent,
  listStale,
  moveFinding,
  recountLane,
  removeSettled,
  sight,
} from './sql.js';

const pageSize = 200;
const minute = 60_000;
const stale = 'task.stale';

/** The scans of a task's own rows; T1 and T2 run by themselves (run/scan.ts), since they are what wakes tasks. */
export function ownScans(deps: Deps, bus: Bus): readonly Scan[] {
  return [
    { name: 'silent', everyMs: minute, page: (pass) => silentPage(deps, bus, pass) },
    { name: 'stale', everyMs: 5 * minute, page: (pass) => stalePage(deps, pass) },
    { name: 'lanes', everyMs: 5 * minute, page: (pass) => lanesPage(deps, pass) },
    { name: 'hygiene', everyMs: minute, page: (pass) => hygienePage(deps, pass) },
  ];
}

const pageOf = (rows: readonly string[], repaired: number): Page => ({
  rows: rows.length,
  repaired,
  ...(rows.length < pageSize ? {} : { next: rows.at(-1) }),
});

/** T3: a service that has been silent about a step is asked, and what it says is the reply that was lost. */
async function silentPage(deps: Deps, bus: Bus, { cursor, now }: Pass): Promise<Page> {
  const silent = await listSilent(deps.db.app, { after: cursor, now, limit: pageSize });
  let repaired = 0;
  for (const each of silent) if ((await ask(deps, bus, each).catch(() => undefined)) === 'applied') repaired += 1;
  return pageOf(
    silent.map(({ stepId }) => stepId),
    repaired,
  );
}

/** T4: nobody repairs it here; a person is told, until it moves. */
async function stalePage(deps: Deps, { cursor, startedAt, now }: Pass): Promise<Page> {
  const ids = await listStale(deps.db.app, { after: cursor, now, limit: pageSize });
  for (const taskId of ids) {
    const seen = { kind: stale, service: 'sentral', subject: encodeId('tsk', taskId), taskId, generation: null };
    await inTransaction(deps.db.app, async (tx) => {
      const { id, state } = await sight(tx, { ...seen, id: deps.newId() }, now);
      // That it has stood for half an hour needs no second look.
      if (state === 'suspect') await moveFinding(tx, id, { state: 'open', note: null, at: now });
    });
  }
  if (ids.length < pageSize) await endSightings(deps.db.app, [stale], { startedAt, now });
  return pageOf(ids, 0);
}

/** T5: a counter that is wrong is a bug, told as one; who waits for room does not wait for its cure. */
async function lanesPage(deps: Deps, { cursor }: Pass): Promise<Page> {
  const ids = await listLanes(deps.db.app, { after: cursor, limit: pageSize });
  let repaired = 0;
  for (const tenantId of ids) {
    if (!(await inTransaction(deps.db.app, (tx) => recountLane(tx, tenantId)))) continue;
    repaired += 1;
    deps.telemetry.count('task.invariant.repairs');
    deps.telemetry.log('error', 'a lane counted wrong, and has been counted anew', {
      tenantId: encodeId('tnt', tenantId),
    });
  }
  if (repaired > 0) deps.pulse.beat('admission');
  return pageOf(ids, repaired);
}

/** H1: what is over and was kept long enough; a full batch is followed by another. */
async function hygienePage(deps: Deps, { now }: Pass): Promise<Page> {
  const gone = await removeSettled(deps.db.app, now, 500);
  return { rows: gone, repaired: 0, ...(gone < 500 ? {} : { next: 'more' }) };
}
