import { encodeId } from '@sentral/contracts/ids';
import { isProblem, type Problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { namedId } from '@sentral/kernel/id';
import { lockLease, type Lease } from '@sentral/kernel/lease';
import { leadership, startLoop, type Leadership, type Loop } from '@sentral/kernel/relay';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import { schemaName, system } from '../change.js';
import type { Deps } from '../deps.js';
import { lockPlace } from '../place.js';
import type { MayStill } from '../run/authorization.js';
import { announce, drawJitter } from '../run/take.js';
import { makeTask, rowOf, type Made } from '../task/make.js';
import type { PlanScheduled } from '../workflow/workflow.js';
import { recordSchedule } from './record.js';
import { placeOf } from './resource.js';
import { lasting, nextAfter, turnOf } from './rules.js';
import {
  amendScheduleRow,
  claimSchedule,
  endRun,
  findSchedule,
  isLive,
  listDue,
  type ScheduleRow,
  type Why,
} from './sql.js';

const batch = 50;

export interface Scheduling {
  readonly planScheduled: PlanScheduled;
  readonly mayStill: MayStill;
}

/** Begins the tasks of schedules that are due; one process leads, and who comes after it goes on with what the rows say. */
export function startSchedules(deps: Deps, scheduling: Scheduling): Loop {
  const leader = leadership(deps.db.app, schemaName, { name: 'schedules', holdMs: 15_000 });
  return startLoop(() => runDueSchedules(deps, scheduling, leader), {
    pollMs: [750, 1_250],
    failed: (error) => deps.telemetry.log('warn', 'schedules could not be looked at and will be again', { error }),
    ended: leader.release,
  });
}

/** Goes once over all that are due; one that fails is due in the next round again and keeps no other waiting. */
export async function runDueSchedules(deps: Deps, scheduling: Scheduling, leader: Leadership): Promise<void> {
  for (let after: { nextAt: Date; id: string } | undefined; ;) {
    if ((await leader.hold()) === undefined) return;
    const due = await listDue(deps.db.app, { after, limit: batch });
    for (const schedule of due) {
      const lease = await leader.hold();
      if (lease === undefined) return;
      await runSchedule(deps, scheduling, { schedule, lease }).catch((error: unknown) =>
        deps.telemetry.log('error', 'a schedule could not be run and will be again', {
          schedule: encodeId('sch', schedule.id),
          error,
        }),
      );
    }
    const last = due.at(-1);
    if (due.length < batch || last?.nextAt == null) return;
    after = { nextAt: last.nextAt, id: last.id };
  }
}

interface Due {
  readonly schedule: ScheduleRow;
  readonly lease: Lease;
}

/**
 * One run. The rights of its owner are looked up outside of every transaction; then the task and the next time are one commit.
 * However many runs were missed, one is begun, and the next is due after now.
 */
async function runSchedule(
  deps: Deps,
  { planScheduled, mayStill }: Scheduling,
  { schedule, lease }: Due,
): Promise<void> {
  const { id, kind, input, nextAt } = schedule;
  if (nextAt === null) return;
  // Minted of what it is the run of: begun twice, it is one task.
  const taskId = namedId(id, nextAt.toISOString());
  const jitter = drawJitter();
  const may = await mayStill(schedule.owner, schedule);
  const planned = may
    ? planOrRefusal(deps, () =>
        planScheduled(
          { kind, input, scopeId: placeOf(schedule) },
          { taskId: encodeId('tsk', taskId), newId: deps.newId },
        ),
      )
    : {
        code: 'permission-denied',
        detail: `${schedule.owner.id} may not do ${kind} here any more: who enables the schedule again becomes its owner.`,
      };
  const begun = await inTransaction(
    deps.db.app,
    async (tx) => {
      if (!(await lockLease(tx, schemaName, lease))) return undefined;
      const place = await placeOrRefusal(tx, schedule);
      const now = await claimSchedule(tx, id);
      // Changed since its owner was looked up, or run by another.
      if (now?.nextAt?.getTime() !== nextAt.getTime() || now.version !== schedule.version) return undefined;
      const refuse = async (why: Why): Promise<undefined> => {
        await refused(tx, now, why);
        return undefined;
      };
      if ('code' in planned) return refuse(planned);
      if ('code' in place) return refuse(place);
      const turn = turnOf(now.overlap, await isLive(tx, now.lastTaskId));
      if (turn === 'wait') return undefined;
      const next = nextAfter(now, now.now) ?? null;
      if (turn === 'skip') {
        await endRun(tx, id, { outcome: 'skipped', nextAt: next });
        return undefined;
      }
      const row = {
        ...rowOf(deps, taskId, planned),
        ...place,
        actor: now.owner,
        correlationId: id,
        traceparent: null,
        parent: null,
      };
      const made = await madeOrRefusal(() =>
        tx.savepoint(() => makeTask(tx, deps, { caller: system, id: taskId, row, plan: planned.plan, jitter })),
      );
      if ('code' in made) return refuse(made);
      await endRun(tx, id, { outcome: 'started', taskId, nextAt: next });
      return made;
    },
    { settings: byKey },
  );
  if (begun?.begun !== undefined) announce(deps, begun.begun);
}

/** A refusal that time may mend is told on the schedule, which goes on; any other stops it, on the record. */
async function refused(tx: Tx, schedule: ScheduleRow, why: Why): Promise<void> {
  const { id } = schedule;
  if (!lasting.has(why.code)) {
    const nextAt = nextAfter(schedule, schedule.now) ?? null;
    return endRun(tx, id, { outcome: 'refused', problem: why, nextAt });
  }
  const held = { ...why, at: schedule.now.toISOString() };
  await amendScheduleRow(tx, id, { ...schedule, enabled: false, held, nextAt: null });
  await endRun(tx, id, { outcome: 'refused', problem: why, nextAt: null });
  const after = await findSchedule(tx, id);
  if (after === undefined) throw new Error('a schedule that is locked is not there');
  await recordSchedule(tx, system, { what: 'schedule.held', before: schedule, after, reason: why.detail });
}

const whyOf = ({ code, detail, title }: Problem): Why => ({ code, detail: detail ?? title });

function planOrRefusal<T>({ telemetry }: Deps, work: () => T): T | Why {
  try {
    return work();
  } catch (error) {
    if (isProblem(error)) return whyOf(error);
    telemetry.log('error', 'a workflow could not plan what a schedule gives it', { error });
    return { code: 'internal', detail: 'The workflow could not plan it.' };
  }
}

async function madeOrRefusal(work: () => Promise<Made>): Promise<Made | Why> {
  try {
    return await work();
  } catch (error) {
    if (isProblem(error)) return whyOf(error);
    throw error;
  }
}

async function placeOrRefusal(tx: Tx, schedule: ScheduleRow): Promise<Awaited<ReturnType<typeof lockPlace>> | Why> {
  try {
    return await lockPlace(tx, placeOf(schedule));
  } catch (error) {
    if (isProblem(error)) return whyOf(error);
    throw error;
  }
}
