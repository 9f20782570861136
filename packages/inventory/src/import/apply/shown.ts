// Reads only. An imported resource is shown by the same select and the same shape as its verbs show it, a chunk a statement.
import type { Tx } from '@sentral/kernel/database';
import { selectAddress, toAddress } from '../../address/sql.js';
import { selectBlock, toBlock } from '../../address-block/sql.js';
import { selectAddressRange, toAddressRange } from '../../address-range/row.js';
import { selectSpace, toSpace } from '../../address-space/sql.js';
import { selectDeviceType, toDeviceType } from '../../device-type/sql.js';
import { selectEdge, toEdge } from '../../edge/sql.js';
import { selectNode, toNode } from '../../node/row.js';
import { selectNumber, toNumber } from '../../number/sql.js';
import { selectDomain, toDomain } from '../../number-domain/sql.js';
import { selectRange, toRange } from '../../number-range/sql.js';
import { selectRackReservation, toRackReservation } from '../../rack/reservation-row.js';
import type { ResourceType } from '../change-set.js';

/** A resource as the contract shows it. */
export interface Shown {
  readonly type: string;
  readonly version: number;
  readonly externalIds: readonly { readonly source: string; readonly externalId: string }[];
}

interface Reader {
  /** Up to the column that is the id. */
  readonly select: string;
  show(row: unknown): Shown;
}

const reader = <R>(select: string, show: (row: R) => Shown): Reader => ({ select, show: (row) => show(row as R) });

const readers: { readonly [T in ResourceType]: Reader } = {
  node: reader(`${selectNode} where n.id`, toNode),
  edge: reader(`${selectEdge} where d.id`, toEdge),
  addressSpace: reader(`${selectSpace} where s.id`, toSpace),
  addressBlock: reader(`${selectBlock} where b.id`, toBlock),
  addressRange: reader(`${selectAddressRange} where r.id`, toAddressRange),
  address: reader(`${selectAddress} where a.id`, toAddress),
  numberDomain: reader(`${selectDomain} where d.id`, toDomain),
  numberRange: reader(`${selectRange} where r.id`, toRange),
  number: reader(`${selectNumber} where m.id`, toNumber),
  rackReservation: reader(`${selectRackReservation} where v.id`, toRackReservation),
  deviceType: reader(`${selectDeviceType} where t.id`, toDeviceType),
};

const chunkRows = 1000;

/** The resources as they are now, by id. */
export async function listShown(tx: Tx, type: ResourceType, ids: readonly string[]): Promise<Map<string, Shown>> {
  const shown = new Map<string, Shown>();
  const { select, show } = readers[type];
  for (let at = 0; at < ids.length; at += chunkRows) {
    const rows = await tx.unsafe(`${select} = any($1::uuid[])`, [ids.slice(at, at + chunkRows)]);
    for (const row of rows) shown.set(String(row['id']), show(row));
  }
  return shown;
}
