import type { Caller } from '@sentral/contracts/contract';
import type { CloudEvent } from '@sentral/contracts/events';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findLogOf, listEventRows, type EventRow } from './sql.js';

type Page = Command<'event', 'page'>;

/**
 * Public events of a log after a place in it, within one scope; whoever shows them asks of each whether it may be seen.
 * @throws Problem not-found, position-expired
 */
export async function pageEvents(deps: Deps, caller: Caller, command: Page): Promise<Result<'event', 'page'>> {
  if (!sees(caller, command)) throw problem('not-found', { resourceType: 'auditLog' });
  const on = deps.db.platform;
  const log = await findLogOf(on, command.tenantId === undefined ? null : decodeId('tnt', command.tenantId));
  if (log === undefined) return { items: [], examined: -1, more: false };
  const { afterSeq = log.size - 1, limit } = command;
  // Whoever has seen more than there is has seen another history: a log of before a restore.
  if (afterSeq >= log.size) throw problem('position-expired', { oldest: log.floor });
  if (afterSeq + 1 < log.floor) throw problem('position-expired', { oldest: log.floor });
  const rows = await listEventRows(on, { logId: log.id, afterSeq, limit });
  return {
    logId: encodeId('log', log.id),
    items: rows.flatMap((row) =>
      isWanted(row, command) ? [{ seq: row.seq, event: cloudEventOf(row, row.event as CloudEvent['data']) }] : [],
    ),
    examined: rows.at(-1)?.seq ?? afterSeq,
    more: rows.length === limit,
  };
}

function sees({ readScope }: Caller, { tenantId, projectId, environmentId }: Page): boolean {
  if ('all' in readScope) return true;
  if (tenantId === undefined) return readScope.platform === true;
  return (
    readScope.tenantIds.includes(tenantId) ||
    (projectId !== undefined && readScope.projectIds.includes(projectId)) ||
    (environmentId !== undefined && readScope.environmentIds.includes(environmentId))
  );
}

const typeOf = (action: string): string => `dev.dataverket.${action}.v1`;

function isWanted({ event, action, scope }: EventRow, { projectId, environmentId, types }: Page): boolean {
  return (
    event !== null &&
    (projectId === undefined || scope.projectId === projectId) &&
    (environmentId === undefined || scope.environmentId === environmentId) &&
    (types === undefined || types.includes(action) || types.includes(typeOf(action)))
  );
}

/** The same event as on the bus, but for what belongs to its way there. */
function cloudEventOf(row: EventRow, data: CloudEvent['data']): CloudEvent {
  const { action, scope, resource } = row;
  return {
    specversion: '1.0',
    id: encodeId('evt', row.id),
    source: `/sentral/${action.slice(0, action.indexOf('.'))}`,
    type: typeOf(action),
    subject: `${resource.type}/${resource.id}`,
    time: row.occurredAt,
    datacontenttype: 'application/json',
    resourceversion: resource.version,
    ...(scope.tenantId === undefined ? {} : { tenantid: scope.tenantId }),
    ...(scope.projectId === undefined ? {} : { projectid: scope.projectId }),
    ...(scope.environmentId === undefined ? {} : { environmentid: scope.environmentId }),
    data,
  };
}
