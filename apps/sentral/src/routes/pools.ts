import type { poolRoutes } from '@sentral/contracts/api/inventory/pools';
import { requireVersion, type Handlers } from '../http/mount.js';
import type { World } from './world.js';
import { createdAt, listed, openCursor, shown } from './shape.js';

export function poolHandlers({ inventory, cursors }: World): Handlers<typeof poolRoutes> {
  return {
    createAddressSpace: async ({ body }, asked) =>
      createdAt(await inventory.addressSpace.create(asked.caller, body), '/v1/addressSpaces'),
    listAddressSpaces: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.addressSpace.list(asked.caller, { ...openCursor(cursors, asked, query), name: query.name }),
      ),
    getAddressSpace: async ({ params }, asked) => shown(await inventory.addressSpace.get(asked.caller, params)),
    amendAddressSpace: async ({ params, body }, asked) =>
      shown(
        await inventory.addressSpace.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body }),
      ),
    createAddressBlock: async ({ params, body }, asked) =>
      createdAt(
        await inventory.addressBlock.create(asked.caller, { ...body, spaceId: params.id }),
        '/v1/addressBlocks',
      ),
    listAddressBlocks: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.addressBlock.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          asOf: query.asOf,
          spaceId: params.id,
          ...(query.parentId === undefined ? {} : { parentId: query.parentId === 'root' ? null : query.parentId }),
          cidr: query.cidr,
          within: query.within,
        }),
      ),
    getAddressBlock: async ({ params, query }, asked) =>
      shown(await inventory.addressBlock.get(asked.caller, { ...params, ...query })),
    amendAddressBlock: async ({ params, body }, asked) =>
      shown(
        await inventory.addressBlock.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body }),
      ),
    removeAddressBlock: async ({ params }, asked) =>
      shown(await inventory.addressBlock.remove(asked.caller, { ...params, version: requireVersion(asked) })),
    getAddressBlockAvailable: async ({ params, query }, asked) => ({
      status: 200,
      body: await inventory.addressBlock.available(asked.caller, { ...params, ...query }),
    }),
    recordAddress: async ({ params, body }, asked) =>
      createdAt(await inventory.address.record(asked.caller, { ...body, spaceId: params.id }), '/v1/addresses'),
    listAddresses: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.address.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          asOf: query.asOf,
          spaceId: params.id,
          blockId: query.blockId,
          address: query.address,
          nodeId: query.nodeId,
        }),
      ),
    getAddress: async ({ params, query }, asked) =>
      shown(await inventory.address.get(asked.caller, { ...params, ...query })),
    removeAddress: async ({ params }, asked) =>
      shown(await inventory.address.remove(asked.caller, { ...params, version: requireVersion(asked) })),
    createNumberDomain: async ({ body }, asked) =>
      createdAt(await inventory.numberDomain.create(asked.caller, body), '/v1/numberDomains'),
    listNumberDomains: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.numberDomain.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          kind: query.kind,
          name: query.name,
          pooled: query.pooled,
        }),
      ),
    getNumberDomain: async ({ params }, asked) => shown(await inventory.numberDomain.get(asked.caller, params)),
    amendNumberDomain: async ({ params, body }, asked) =>
      shown(
        await inventory.numberDomain.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body }),
      ),
    getNumberDomainAvailable: async ({ params, query }, asked) => ({
      status: 200,
      body: await inventory.numberRange.available(asked.caller, { domainId: params.id, limit: query.limit }),
    }),
    createNumberRange: async ({ params, body }, asked) =>
      createdAt(await inventory.numberRange.create(asked.caller, { ...body, domainId: params.id }), '/v1/numberRanges'),
    listNumberRanges: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.numberRange.list(asked.caller, { ...openCursor(cursors, asked, query), domainId: params.id }),
      ),
    getNumberRange: async ({ params }, asked) => shown(await inventory.numberRange.get(asked.caller, params)),
    amendNumberRange: async ({ params, body }, asked) =>
      shown(
        await inventory.numberRange.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body }),
      ),
    getNumberRangeAvailable: async ({ params, query }, asked) => ({
      status: 200,
      body: await inventory.numberRange.available(asked.caller, { id: params.id, limit: query.limit }),
    }),
    recordNumber: async ({ params, body }, asked) => ({
      status: 201,
      body: await inventory.number.record(asked.caller, { ...body, domainId: params.id }),
    }),
    listNumbers: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.number.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          asOf: query.asOf,
          domainId: params.id,
          value: query.value,
        }),
      ),
  };
}
