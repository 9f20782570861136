import { encodeId } from '@sentral/contracts/ids';
import type { scheduleToldSchema, Schedule } from '@sentral/contracts/task/schedule';
import type { InferOutput } from 'valibot';
import type { ScheduleRow } from './sql.js';

/** A schedule as the world sees it. */
export function toSchedule(row: ScheduleRow): Schedule {
  return {
    ...toldSchedule(row),
    input: row.input,
    ...(row.nextAt === null ? {} : { nextAt: row.nextAt.toISOString() }),
    ...(row.lastAt === null || row.lastOutcome === null
      ? {}
      : {
          lastRun: {
            at: row.lastAt.toISOString(),
            outcome: row.lastOutcome,
            ...(row.lastTaskId === null ? {} : { taskId: encodeId('tsk', row.lastTaskId) }),
            ...(row.lastProblem === null ? {} : { problem: row.lastProblem }),
          },
        }),
  };
}

/** The same for events and the record: without the input and the runs. */
export function toldSchedule(row: ScheduleRow): InferOutput<typeof scheduleToldSchema> {
  const { projectId, environmentId, held } = row;
  return {
    id: encodeId('sch', row.id),
    type: 'schedule',
    version: row.version,
    tenantId: encodeId('tnt', row.tenantId),
    ...(projectId === null ? {} : { projectId: encodeId('prj', projectId) }),
    ...(environmentId === null ? {} : { environmentId: encodeId('env', environmentId) }),
    name: row.name,
    kind: row.kind,
    cron: row.cron,
    timeZone: row.timeZone,
    overlap: row.overlap,
    enabled: row.enabled,
    ...(held === null ? {} : { held }),
    owner: { type: row.owner.type, id: row.owner.id },
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** The scope that its tasks lie in. */
export const placeOf = ({ tenantId, projectId, environmentId }: ScheduleRow) =>
  environmentId !== null
    ? encodeId('env', environmentId)
    : projectId !== null
      ? encodeId('prj', projectId)
      : encodeId('tnt', tenantId);
