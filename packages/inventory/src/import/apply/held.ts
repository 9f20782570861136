// Liens on what the set would end or move. They are read without a lock while it is judged, and once more under the turn of whoever
// sets one, just before the commit: nobody waits for a whole import to set a lien or to delete.
import { parseId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { lockName } from '@sentral/kernel/lease';
import { schemaName } from '../../change.js';
import { holdsName } from '@sentral/kernel/scopes/view';
import { parseAddress } from '../ip.js';
import { refusal, type Known, type Planned } from './plan.js';
import { canonicalCidr } from './values.js';

/** Where each thing under a lien is: such a thing stays there. */
export type Held = ReadonlyMap<string, string>;

export const blocked = refusal('blocked-by-hold', 'a hold lies on it, so it neither ends nor moves');

async function listHeldIds(tx: Tx): Promise<readonly string[]> {
  const rows = await tx.sql<{ id: string }>`
    select distinct h."resourceId" as id from scope_view s
    cross join lateral jsonb_to_recordset(s.holds) as h("resourceId" text, "expiresAt" timestamptz)
    where s.holds <> '[]'::jsonb and h."resourceId" is not null and (h."expiresAt" is null or h."expiresAt" > now())`;
  return rows.map(({ id }) => parseId(id).uuid);
}

export async function listHeld(tx: Tx, known: ReadonlyMap<string, Known>): Promise<Held> {
  const held = new Set(await listHeldIds(tx));
  if (held.size === 0) return new Map();
  const ids = [...known.values()].map(({ id }) => id).filter((id) => held.has(id));
  const rows = await tx.sql<{ id: string; place: string }>`
    select id, coalesce(parent_id::text, '') as place from node where id = any(${ids}::uuid[])
    union all select id, space_id || ' ' || cidr from address_block where id = any(${ids}::uuid[])
    union all select id, space_id || ' ' || host(host) from address where id = any(${ids}::uuid[])`;
  const places = new Map(rows.map(({ id, place }) => [id, place]));
  return new Map(ids.map((id) => [id, places.get(id) ?? '']));
}

/** True of a row that would move what is under a lien; what has no place of its own does not move. */
export function movesHeld({ id, resource }: Planned, held: Held, idOf: (key: string) => string | undefined): boolean {
  const place = held.get(id);
  if (place === undefined) return false;
  if (resource.type === 'node') return place !== (resource.parent === undefined ? '' : idOf(resource.parent));
  if (resource.type === 'addressBlock') return place !== `${idOf(resource.space)} ${canonicalCidr(resource.cidr)}`;
  if (resource.type !== 'address') return false;
  const [space, host] = place.split(' ');
  const [is, was] = [parseAddress(resource.address), parseAddress(host ?? '')];
  return space !== idOf(resource.space) || is?.family !== was?.family || is?.value !== was?.value;
}

/**
 * The last look, under the turn of whoever sets a lien and of all who delete: it is kept until the commit that follows.
 * @throws Problem operation-in-progress when a lien has come since the set was judged: it is judged again
 */
export async function refuseHeldSince(tx: Tx, ids: ReadonlySet<string>): Promise<void> {
  if (ids.size === 0) return;
  await lockName(tx, schemaName, holdsName);
  if ((await listHeldIds(tx)).some((id) => ids.has(id)))
    throw problem('operation-in-progress', { resourceType: 'hold' }, 'A hold was set meanwhile.');
}
