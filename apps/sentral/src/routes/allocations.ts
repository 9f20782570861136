import type { allocationRoutes } from '@sentral/contracts/api/inventory/allocations';
import type { Caller } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { requireIdempotencyKey, type Asked, type Handlers } from '../http/mount.js';
import { createdAt, listed, openCursor, shown, unreplayed } from './shape.js';
import type { World } from './world.js';

export function allocationHandlers({ inventory, tenancy, cursors }: World): Handlers<typeof allocationRoutes> {
  return {
    createAllocation: async ({ params, body }, asked) => {
      requireIdempotencyKey(asked);
      const caller = await withScopes({ tenancy }, asked.caller, params.id);
      const result = await inventory.allocation.reserve(caller, {
        ...body,
        environmentId: params.id,
        version: versionOf(asked),
      });
      const { body: allocation, headers } = unreplayed(result);
      const answer = createdAt(allocation, '/v1/allocations', asked);
      return { ...answer, headers: { ...answer.headers, ...headers } };
    },
    listAllocations: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.allocation.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          environmentId: query.environmentId,
          consumerService: query['consumer.service'],
          consumerKind: query['consumer.kind'],
          consumerId: query['consumer.id'],
          state: query.state,
          nodeId: query.nodeId,
        }),
      ),
    getAllocation: async ({ params }, asked) => shown(await inventory.allocation.get(asked.caller, params)),
    confirmAllocation: async ({ params }, asked) =>
      changed(await inventory.allocation.confirm(asked.caller, { ...params, version: versionOf(asked) }), asked),
    renewAllocation: async ({ params, body }, asked) =>
      changed(await inventory.allocation.renew(asked.caller, { ...params, ...body, version: versionOf(asked) }), asked),
    releaseAllocation: async ({ params, body }, asked) =>
      changed(
        await inventory.allocation.release(asked.caller, { ...params, ...body, version: versionOf(asked) }),
        asked,
      ),
    deleteAllocation: async ({ params }, asked) =>
      changed(await inventory.allocation.release(asked.caller, { ...params, version: versionOf(asked) }), asked),
  };
}

/** No If-Match is needed here; one that is sent is honoured. */
const versionOf = (asked: Asked) => (asked.ifMatch === 'any' ? undefined : asked.ifMatch);

function changed<T extends { readonly version: number; readonly replayed?: true | undefined }>(
  result: T,
  asked: Asked,
) {
  const { body, headers } = unreplayed(result);
  const answer = shown(body as Omit<T, 'replayed'> & { version: number }, asked);
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/**
 * Brings the path of the environment along as tenancy has it, so that one made a moment ago works at once.
 * @throws Problem not-found for an environment that does not exist or that the caller may not see
 */
async function withScopes(
  { tenancy }: Pick<World, 'tenancy'>,
  caller: Caller,
  environmentId: Id<'env'>,
): Promise<Caller> {
  const { rows: scopes } = await tenancy.scope.path(caller, { id: environmentId });
  return { ...caller, scopes };
}
