// Reads only.
import { encodeId } from '@sentral/contracts/ids';
import type { Result } from '../command.js';
import { walkOf, type Sight } from '../reading.js';
import type { Asks } from './sql.js';

type Provider = Result<'placement', 'candidates'>['providers'][number];

interface ProviderRow {
  readonly id: string;
  readonly kind: string;
  readonly name: string | null;
  readonly parentId: string | null;
  readonly rootId: string;
  readonly capacities: Provider['capacities'];
}

/** What nodes have, and where they lie as far as it is seen. */
export async function listProviders(db: Asks, sight: Sight, ids: readonly string[]): Promise<readonly Provider[]> {
  if (ids.length === 0) return [];
  const q = walkOf(sight);
  const rows = (await db.unsafe(
    `select n.id, n.kind, n.name, (select x.id from node x where x.id = n.parent_id and ${q.sees('node', 'x')}) as "parentId",
       (with recursive up (id, parent_id, depth) as (
          select n.id, n.parent_id, 0
          union all
          select x.id, x.parent_id, up.depth + 1 from up join node x on x.id = up.parent_id where up.depth < 256 and ${q.sees('node', 'x')}
        ) select up.id from up order by up.depth desc limit 1) as "rootId",
       coalesce((select jsonb_agg(jsonb_build_object('class', c.class, 'cap', c.cap, 'used', c.used, 'free', greatest(0, c.cap - c.used)) order by c.class)
         from capacity c where c.node_id = n.id), '[]') as capacities
     from node n where n.id = any(${q.value(ids)}::uuid[]) order by n.id`,
    q.params,
  )) as unknown as readonly ProviderRow[];
  return rows.map((row) => ({
    nodeId: encodeId('nod', row.id),
    kind: row.kind,
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.parentId === null ? {} : { parentId: encodeId('nod', row.parentId) }),
    rootId: encodeId('nod', row.rootId),
    capacities: row.capacities,
  }));
}
