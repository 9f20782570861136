import type { bucketRoutes } from '@sentral/contracts/api/platform/buckets';
import type { clusterRoutes } from '@sentral/contracts/api/platform/clusters';
import type { machineRoutes } from '@sentral/contracts/api/platform/machines';
import type { networkRoutes } from '@sentral/contracts/api/platform/networks';
import { encodeId, parseId, type Id } from '@sentral/contracts/ids';
import type { PlatformResource as Resource } from '@sentral/contracts/inventory/platform-resource';
import { facade } from '../auth/sessions.js';
import { requireIdempotencyKey, requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { bucket } from '../workflows/bucket.js';
import { cluster } from '../workflows/cluster.js';
import { machine } from '../workflows/machine.js';
import { network } from '../workflows/network.js';
import { beginMaking, beginRemoval, found } from '../workflows/begin.js';
import type { PlatformResource } from '../workflows/platform-resource.js';
import { listed, openCursor, shown } from './shape.js';
import { begunOf } from './tasks.js';
import type { World } from './world.js';

type Query = Record<string, unknown> & { cursor?: string | undefined; limit?: number | undefined };

/** A resource as the world sees it: under the id of its kind, with what was asked for in the open. */
function resourceOf({ prefix }: PlatformResource, resource: Resource) {
  const { id, type: _, kind: type, wanted, status, ...rest } = resource;
  const ready = rest.state === 'available';
  return {
    id: encodeId(prefix, parseId(id).uuid),
    type,
    ...rest,
    conditions: [
      {
        type: 'Ready',
        status: ready ? 'true' : 'false',
        reason: rest.state,
        observedVersion: rest.version,
        lastTransitionAt: rest.updatedAt,
      },
    ],
    ...wanted,
    ...(status === undefined ? {} : { status }),
  };
}

/**
 * What is to be removed is being removed from the moment on that the task for it is there, also while that waits in its lane. While task
 * is away each is shown as it was recorded last.
 */
async function withRemovals(
  { task }: World,
  { prefix }: PlatformResource,
  resources: readonly Resource[],
): Promise<readonly Resource[]> {
  const named = (id: Id) => encodeId(prefix, parseId(id).uuid);
  const settled = resources.filter(({ state }) => state === 'available' || state === 'failed');
  if (settled.length === 0) return resources;
  const { items } = await task.task
    .claimants(facade, { resources: settled.map(({ id }) => named(id)) })
    .catch(() => ({ items: [] }));
  const removing = new Set(
    items
      .filter(({ kind, state }) => kind.endsWith('.delete') && (state === 'queued' || state === 'running'))
      .map(({ resource }) => resource),
  );
  return resources.map((each) => (removing.has(named(each.id)) ? { ...each, state: 'removing' as const } : each));
}

/** The handlers of one kind, by what they do; its routes spell their own names. */
function handlersOf(world: World, given: object) {
  const def = given as PlatformResource;
  const { inventory, cursors } = world;
  const list = async (query: Query, asked: Asked) => {
    const { cursor: _, limit: __, ...filters } = query;
    const command = { ...openCursor(cursors, asked, query), ...filters, kind: def.kind };
    const page = await inventory.platformResource.list(asked.caller, command);
    const items = await withRemovals(world, def, page.items);
    return listed(cursors, asked, { ...page, items: items.map((each) => resourceOf(def, each)) });
  };
  return {
    create: async (
      { params, body }: { params: { id: Id<'env'> }; body: { name: string; labels: Record<string, string> } },
      asked: Asked,
    ) => {
      requireIdempotencyKey(asked);
      return begunOf(asked, await beginMaking(world, asked, { def, environmentId: params.id, body }));
    },
    listIn: ({ params, query }: { params: { id: Id<'env'> }; query: Query }, asked: Asked) =>
      list({ ...query, environmentId: params.id }, asked),
    list: ({ query }: { query: Query }, asked: Asked) => list(query, asked),
    get: async ({ params }: { params: { id: Id } }, asked: Asked) => {
      const resource = await found(world, asked.caller, { def, id: params.id });
      const [now = resource] = await withRemovals(world, def, [resource]);
      return shown(resourceOf(def, now));
    },
    remove: async ({ params }: { params: { id: Id } }, asked: Asked) =>
      begunOf(asked, await beginRemoval(world, asked, { def, id: params.id, version: requireVersion(asked) })),
  };
}

export function bucketHandlers(world: World): Handlers<typeof bucketRoutes> {
  const of = handlersOf(world, bucket);
  return {
    createBucket: of.create,
    listBucketsOfEnvironment: of.listIn,
    listBuckets: of.list,
    getBucket: of.get,
    deleteBucket: of.remove,
  } as unknown as Handlers<typeof bucketRoutes>;
}

export function networkHandlers(world: World): Handlers<typeof networkRoutes> {
  const of = handlersOf(world, network);
  return {
    createNetwork: of.create,
    listNetworksOfEnvironment: of.listIn,
    listNetworks: of.list,
    getNetwork: of.get,
    deleteNetwork: of.remove,
  } as unknown as Handlers<typeof networkRoutes>;
}

export function machineHandlers(world: World): Handlers<typeof machineRoutes> {
  const of = handlersOf(world, machine);
  return {
    createMachine: of.create,
    listMachinesOfEnvironment: of.listIn,
    listMachines: of.list,
    getMachine: of.get,
    deleteMachine: of.remove,
  } as unknown as Handlers<typeof machineRoutes>;
}

export function clusterHandlers(world: World): Handlers<typeof clusterRoutes> {
  const of = handlersOf(world, cluster);
  return {
    createCluster: of.create,
    listClustersOfEnvironment: of.listIn,
    listClusters: of.list,
    getCluster: of.get,
    deleteCluster: of.remove,
  } as unknown as Handlers<typeof clusterRoutes>;
}
