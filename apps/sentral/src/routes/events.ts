import type { eventRoutes } from '@sentral/contracts/api/audit/events';
import type { Implements } from '@sentral/contracts/contract';
import type { audit } from '@sentral/contracts/audit';
import type { CloudEvent } from '@sentral/contracts/events';
import { isPermission, type Permission } from '@sentral/contracts/permissions';
import { isProblem, problem } from '@sentral/contracts/problem';
import { scopeOf, type Access } from '../auth/authorize.js';
import { streamed, wantsStream, type Streams } from '../http/streams.js';
import type { Asked, Handlers } from '../http/mount.js';
import { listed, openCursor } from './shape.js';
import type { World } from './world.js';

type PageOf = Implements<typeof audit>['event']['page'];
type Command = Parameters<PageOf>[1];

export function eventHandlers({ audit, cursors }: World, streams: Streams): Handlers<typeof eventRoutes> {
  return {
    listEvents: async ({ query }, asked) => {
      const where = { ...scopeOf(asked.chain), ...(query.types === undefined ? {} : { types: query.types }) };
      if (!wantsStream(asked)) {
        const { cursor, limit } = openCursor(cursors, asked, query);
        const afterSeq = cursor === undefined ? -1 : Number(cursor);
        if (!Number.isSafeInteger(afterSeq)) throw problem('invalid-cursor', { parameter: 'cursor' });
        const page = await audit.event.page(asked.caller, {
          ...where,
          afterSeq,
          ...(limit === undefined ? {} : { limit }),
        });
        const items = (await visible(asked.access, page.items)).map(({ event }) => event);
        return listed(cursors, asked, { items, ...(page.more ? { nextCursor: String(page.examined) } : {}) });
      }
      const from = await begin(audit.event.page, asked, where);
      let logId = from.logId;
      return streamed(
        await streams.open(asked, {
          afterSeq: from.afterSeq,
          read: async (afterSeq, access) => {
            const page = await audit.event.page(asked.caller, { ...where, afterSeq });
            logId ??= page.logId;
            return { ...page, items: await visible(access, page.items) };
          },
          typeOf: ({ type }: CloudEvent) => type,
          idOf: (seq) => (logId === undefined ? undefined : `${logId}:${seq}`),
        }),
      );
    },
  };
}

/** Where a stream begins: after the last event that the client has seen, or with what comes next. */
async function begin(page: PageOf, asked: Asked, where: Command) {
  const last = asked.raw.headers.get('last-event-id');
  const [, logId, seq] = /^(log_[0-9a-z]{26}):(\d{1,15})$/.exec(last ?? '') ?? [];
  if (last !== null && seq === undefined) throw problem('invalid-parameter', { parameter: 'Last-Event-ID' });
  const now = await page(asked.caller, { ...where, ...(seq === undefined ? {} : { afterSeq: Number(seq) }), limit: 1 });
  if (logId !== undefined && logId !== now.logId) throw problem('invalid-parameter', { parameter: 'Last-Event-ID' });
  return { logId: now.logId, afterSeq: seq === undefined ? now.examined : Number(seq) };
}

/** What a thing is called in the permissions that decide who may read it, where that is not its own name. */
const readAs: Readonly<Record<string, Permission>> = {
  'tenancy.policyExemption': 'tenancy.exemption.read',
  'tenancy.quotaLimit': 'tenancy.quota.read',
  'inventory.number': 'inventory.numberDomain.read',
  'inventory.addressRange': 'inventory.addressBlock.read',
  'inventory.rackReservation': 'inventory.node.read',
  'inventory.deviceType': 'inventory.node.read',
};

/** Which permission an event is read by; undefined for a thing that nobody can be asked about, which is then shown to nobody. */
export function readPermissionOfEvent({
  type,
  environmentid,
  projectid,
  tenantid,
}: CloudEvent): Permission | undefined {
  const noun = type.split('.').slice(2, 4).join('.');
  const scope = environmentid ? 'environment' : projectid ? 'project' : tenantid ? 'tenant' : 'platform';
  const named = noun === 'tenancy.scope' ? `tenancy.${scope}.read` : (readAs[noun] ?? `${noun}.read`);
  return isPermission(named) ? named : undefined;
}

/** Of these events what the caller may read, as its grants are now. */
async function visible<T extends { readonly event: CloudEvent }>(access: Access, items: readonly T[]): Promise<T[]> {
  const seen: T[] = [];
  for (const item of items) {
    const { event } = item;
    const permission = readPermissionOfEvent(event);
    const place = event.environmentid ?? event.projectid ?? event.tenantid ?? 'platform';
    if (permission !== undefined && (await access.mayOn(permission, place).catch(goneForGood))) seen.push(item);
  }
  return seen;
}

/**
 * A scope that was purged lies nowhere, so nobody can be shown to see into it. Any other failure ends the answer: an event that
 * was passed over would never be shown again.
 */
function goneForGood(error: unknown): false {
  if (isProblem(error, 'not-found')) return false;
  throw error;
}
