import type { graphRoutes } from '@sentral/contracts/api/inventory/graph';
import type { Caller } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { ParsedOf } from '@sentral/contracts/route';
import { facade } from '../auth/sessions.js';
import { requireIdempotencyKey, requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { readIfMatch } from '../http/preconditions.js';
import { authorizeBatch } from './allocation-batch.js';
import type { World } from './world.js';
import { seesHolder } from './holder.js';
import { createdAt, done, listed, openCursor, shown, versionOf } from './shape.js';

export function graphHandlers(world: World): Handlers<typeof graphRoutes> {
  const { tenancy, inventory, cursors } = world;
  /** The tenants that nodes are dedicated to are brought along: one made a moment ago is known at once. */
  const bringing = async ({ caller }: Asked, ...tenantIds: (Id<'tnt'> | null | undefined)[]): Promise<Caller> => {
    const scopes: Caller['scopes'][number][] = [];
    for (const id of new Set(tenantIds)) {
      if (id == null) continue;
      try {
        scopes.push(...(await tenancy.scope.path(facade, { id })).rows);
      } catch (error) {
        // Inventory says which field names what is not there.
        if (!isProblem(error, 'not-found')) throw error;
      }
    }
    return scopes.length === 0 ? caller : { ...caller, scopes };
  };
  return {
    listKinds: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.kind.list(asked.caller, { ...openCursor(cursors, asked, query), category: query.category }),
      ),
    getKind: async ({ params }, asked) => shown(await inventory.kind.get(asked.caller, params)),
    createNode: async ({ body }, asked) =>
      createdAt(await inventory.node.register(await bringing(asked, body.tenantId), body), '/v1/nodes'),
    listNodes: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.node.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          asOf: query.asOf,
          kind: query.kind,
          ...(query.parentId === undefined ? {} : { parentId: query.parentId === 'root' ? null : query.parentId }),
          name: query.name,
          namePrefix: query['name.prefix'],
          state: query.state,
          intent: query.intent,
          source: query.source,
          externalId: query.externalId,
          labelSelector: query.labelSelector,
          showRetired: query.showRetired,
        }),
      ),
    getNode: async ({ params, query }, asked) => shown(await inventory.node.get(asked.caller, { ...params, ...query })),
    amendNode: async ({ params, body }, asked) =>
      shown(
        await inventory.node.amend(await bringing(asked, body.tenantId), {
          ...params,
          version: requireVersion(asked),
          patch: body,
        }),
      ),
    cleanNode: async ({ params, body }, asked) =>
      shown(await inventory.node.clean(asked.caller, { ...params, ...body, version: versionOf(asked) })),
    retireNode: async ({ params }, asked) =>
      shown(await inventory.node.retire(asked.caller, { ...params, version: requireVersion(asked) })),
    batchNodes: async ({ body }, asked) => {
      for (const [index, { op }] of body.operations.entries()) mayOperate(asked, op, index);
      const operations = body.operations.map(toOperation);
      const tenantIds = operations.map((each) =>
        each.op === 'create' ? each.node.tenantId : each.op === 'update' ? each.patch.tenantId : undefined,
      );
      return done(await inventory.node.batch(await bringing(asked, ...tenantIds), { operations }));
    },
    reshapeNodes: async ({ body }, asked) => {
      requireIdempotencyKey(asked);
      const scopes = await authorizeBatch(
        world,
        asked,
        body.allocations.map((each) => ({ op: 'replace', ...each })),
      );
      return done(await inventory.node.reshape({ ...asked.caller, scopes }, body));
    },
    listNodeHistory: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.node.history(asked.caller, { ...params, ...openCursor(cursors, asked, query) }),
      ),
    listNodeChanges: async ({ params, query }, asked) => {
      const { from, to, ...page } = await inventory.node.changes(asked.caller, {
        ...params,
        ...openCursor(cursors, asked, query),
        from: query.from,
        to: query.to,
        types: query.types,
      });
      const seen = page.items.filter(({ type, before, after = before }) =>
        type === 'allocation' ? after?.type === 'allocation' && seesHolder(asked, after) : true,
      );
      const { status, body, ...more } = listed(cursors, asked, { ...page, items: seen });
      return { status, body: { ...body, from, to }, ...more };
    },
    listSubtree: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.node.subtree(asked.caller, {
          ...params,
          ...openCursor(cursors, asked, query),
          asOf: query.asOf,
          depthMax: query.depthMax,
          kind: query.kind,
        }),
      ),
    listAncestors: async ({ params, query }, asked) => ({
      status: 200,
      body: await inventory.node.ancestors(asked.caller, { ...params, ...query }),
    }),
    listNeighbors: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.node.neighbors(asked.caller, {
          ...params,
          ...openCursor(cursors, asked, query),
          edgeType: query.edgeType,
          throughComponents: query.throughComponents,
        }),
      ),
    getElevation: async ({ params }, asked) => ({
      status: 200,
      body: await inventory.node.elevation(asked.caller, params),
    }),
    findPath: async ({ query }, asked) => ({
      status: 200,
      body: await inventory.node.path(asked.caller, { fromId: query.from, toId: query.to }),
    }),
    createEdge: async ({ body }, asked) => createdAt(await inventory.edge.connect(asked.caller, body), '/v1/edges'),
    listEdges: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.edge.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          asOf: query.asOf,
          edgeType: query.edgeType,
          nodeId: query.nodeId,
        }),
      ),
    getEdge: async ({ params, query }, asked) => shown(await inventory.edge.get(asked.caller, { ...params, ...query })),
    endEdge: async ({ params }, asked) =>
      shown(await inventory.edge.disconnect(asked.caller, { ...params, version: requireVersion(asked) })),
    listDeviceTypes: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.deviceType.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          manufacturer: query.manufacturer,
        }),
      ),
  };
}

type Operation = ParsedOf<typeof graphRoutes.batchNodes>['body']['operations'][number];

/** Each operation is let through as its own request would be, before any of them is looked at. */
function mayOperate({ access }: Asked, op: Operation['op'], operationIndex: number): void {
  const missingPermission = `inventory.node.${op}` as const;
  if (!access.may(missingPermission))
    throw problem('permission-denied', { missingPermission, scope: 'platform', operationIndex });
}

function toOperation(operation: Operation, operationIndex: number) {
  if (operation.op === 'create') return { op: operation.op, node: operation.body };
  try {
    const id = operation.path.slice('/v1/nodes/'.length) as Id<'nod'>;
    const named = { id, version: requireVersion({ ifMatch: readIfMatch(operation.ifMatch) }) };
    return operation.op === 'update'
      ? { op: operation.op, ...named, patch: operation.body }
      : { op: operation.op, ...named };
  } catch (error) {
    throw isProblem(error) ? problem(error.code, { ...error.facts, operationIndex }, error.detail) : error;
  }
}
