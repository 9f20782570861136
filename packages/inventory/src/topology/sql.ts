// Reads only, no locks: a walk of several statements is given a transaction of one snapshot.
import type { Database } from '@sentral/kernel/database';
import { nodeColumns, nodeJoins, selectNode, type NodeRow } from '../node/row.js';
import { walkOf, type Asks, type SeeingQuery, type Sight } from '../reading.js';

/** Upwards by primary key, one probe a level. Union, not union all: a walk ends even where the tree rule was broken by hand. */
const ancestorsOf = (q: SeeingQuery, id: string): string => `with recursive up (id, parent_id, depth) as (
    select id, parent_id, 0 from node where id = ${q.value(id)}::uuid
    union
    select n.id, n.parent_id, up.depth + 1 from node n join up on n.id = up.parent_id where up.depth < 256 and ${q.sees('node', 'n')}
  )`;

/** The last of what is seen on the way up. */
export async function findRootOf(db: Asks, sight: Sight, id: string): Promise<string> {
  const q = walkOf(sight);
  const text = `${ancestorsOf(q, id)} select id::text as id from up order by depth desc limit 1`;
  const [row] = await db.unsafe(text, q.params);
  return (row?.['id'] ?? id) as string;
}

export async function listAncestors(db: Asks, sight: Sight, id: string): Promise<readonly NodeRow[]> {
  const q = walkOf(sight);
  const rows = await db.unsafe(
    // A probe by key for each: of the past all nodes would be read to be joined with these few.
    `${ancestorsOf(q, id)} select ${nodeColumns} from up cross join lateral (select x.* from node x where x.id = up.id offset 0) n ${nodeJoins} where up.depth > 0 order by up.depth`,
    q.params,
  );
  return rows as unknown as readonly NodeRow[];
}

export interface SubtreeAsked {
  readonly id: string;
  readonly depthMax: number;
  readonly kinds: readonly string[] | null;
  readonly after: { readonly depth: number; readonly id: string } | undefined;
  readonly limit: number;
}

type SubtreeRow = NodeRow & { readonly depth: number };

/**
 * Downwards over node_by_parent, nearest first. A page seldom needs the whole tree: the walk goes one level past where the page
 * begins, and deeper only while the page is not full and there is something below. Whole rows are read of the page alone, once.
 */
export async function listSubtree(db: Asks, sight: Sight, asked: SubtreeAsked): Promise<readonly SubtreeRow[]> {
  for (let reach = 1; ; reach *= 3) {
    const depthMax = Math.min(asked.depthMax, (asked.after?.depth ?? 0) + reach);
    const { page, deepest } = await walkDown(db, sight, { ...asked, depthMax });
    if (page.length > asked.limit || depthMax === asked.depthMax || deepest < depthMax) return rowsOfPage(db, page);
  }
}

interface InPage {
  readonly id: string;
  readonly depth: number;
}

async function walkDown(
  db: Asks,
  sight: Sight,
  asked: SubtreeAsked,
): Promise<{ page: readonly InPage[]; deepest: number }> {
  const q = walkOf(sight);
  const [id, depthMax, kinds] = [asked.id, asked.depthMax, asked.kinds].map(q.value);
  const [depth, after] = [asked.after?.depth ?? null, asked.after?.id ?? null].map(q.value);
  const rows = await db.unsafe(
    `with recursive down (id, kind, depth) as (
       select id, kind, 0 from node where id = ${id}::uuid
       union all
       select n.id, n.kind, down.depth + 1 from node n join down on n.parent_id = down.id
       where down.depth < ${depthMax}::int and n.state <> 'retired' and ${q.seesBelow('n')}
     )
     select reached.deepest, page.id::text as id, page.depth from (select max(depth) as deepest from down) reached left join (
       select id, depth from down
       where (${kinds}::text[] is null or kind = any(${kinds}::text[])) and (${depth}::int is null or (depth, id) > (${depth}::int, ${after}::uuid))
       order by depth, id limit ${q.value(asked.limit + 1)}
     ) page on true order by page.depth, page.id`,
    q.params,
  );
  const deepest = Number(rows[0]?.['deepest'] ?? 0);
  return { page: (rows as unknown as readonly InPage[]).filter(({ id }) => id !== null), deepest };
}

async function rowsOfPage(db: Asks, page: readonly InPage[]): Promise<readonly SubtreeRow[]> {
  const rows = (await db.unsafe(`${selectNode} where n.id = any($1::uuid[])`, [
    page.map(({ id }) => id),
  ])) as unknown as readonly NodeRow[];
  const byId = new Map(rows.map((row) => [row.id, row]));
  return page.flatMap(({ id, depth }) => {
    const row = byId.get(id);
    return row === undefined ? [] : [{ ...row, depth }];
  });
}

export interface NeighborRow {
  readonly edgeId: string;
  readonly edgeType: 'connects' | 'depends' | 'memberOf' | 'backedBy';
  readonly side: 'a' | 'b';
  readonly via: { id: string; kind: string; name: string | null };
  readonly node: { id: string; kind: string; name: string | null };
  readonly owner: { id: string; kind: string; name: string | null } | null;
}

export interface NeighborsAsked {
  readonly id: string;
  readonly edgeTypes: readonly string[] | null;
  readonly throughComponents: boolean;
  readonly after: { readonly edgeId: string; readonly nodeId: string } | undefined;
  readonly limit: number;
}

/** Edges of the node and of the components in it, with the far end and what that is a component of. */
export async function listNeighbors(db: Asks, sight: Sight, asked: NeighborsAsked): Promise<readonly NeighborRow[]> {
  const q = walkOf(sight);
  const [id, types, through] = [asked.id, asked.edgeTypes, asked.throughComponents].map(q.value);
  const [edgeId, nodeId] = [asked.after?.edgeId ?? null, asked.after?.nodeId ?? null].map(q.value);
  const rows = await db.unsafe(
    `with recursive own (id) as (
       select ${id}::uuid
       union all
       select n.id from node n join own on n.parent_id = own.id join kind k on k.key = n.kind
       where ${through}::boolean and k.category = 'component' and n.state <> 'retired' and ${q.seesBelow('n')}
     ), hops as (
       select near.edge_id, near.edge_type, near.side, near.node_id as via_id, far.node_id as far_id
       from own join edge_end near on near.node_id = own.id and near.live
       join edge_end far on far.edge_id = near.edge_id and far.side <> near.side join edge d on d.id = near.edge_id
       where (${types}::text[] is null or near.edge_type = any(${types}::text[])) and ${q.sees('edge', 'd')}
         and (${edgeId}::uuid is null or (near.edge_id, far.node_id) > (${edgeId}::uuid, ${nodeId}::uuid))
       order by near.edge_id, far.node_id limit ${q.value(asked.limit + 1)}
     )
     select h.edge_id as "edgeId", h.edge_type as "edgeType", h.side, jsonb_build_object('id', v.id, 'kind', v.kind, 'name', v.name) as via,
       jsonb_build_object('id', f.id, 'kind', f.kind, 'name', f.name) as node,
       (with recursive up (id, kind, name, parent_id, category, depth) as (
          select o.id, o.kind, o.name, o.parent_id, ok.category, 0 from node o join kind ok on ok.key = o.kind where o.id = f.parent_id and fk.category = 'component' and ${q.sees('node', 'o')}
          union all
          select o.id, o.kind, o.name, o.parent_id, ok.category, up.depth + 1 from node o join kind ok on ok.key = o.kind join up on o.id = up.parent_id
          where up.category = 'component' and up.depth < 16 and ${q.sees('node', 'o')}
        ) select jsonb_build_object('id', up.id, 'kind', up.kind, 'name', up.name) from up order by up.depth desc limit 1) as owner
     from hops h join node v on v.id = h.via_id join node f on f.id = h.far_id join kind fk on fk.key = f.kind
     order by h.edge_id, h.far_id`,
    q.params,
  );
  return rows as unknown as readonly NeighborRow[];
}

export interface Hop {
  readonly fromId: string;
  readonly id: string;
  readonly kind: string;
  readonly name: string | null;
  readonly by: 'contains' | 'connects' | 'backedBy';
  readonly edgeId: string | null;
  /** Of the rear port of a hop through a panel: which position of how many. */
  readonly position: number | null;
  readonly positions: number | null;
}

/**
 * Where a signal can go from each of these nodes: over a cable; from a front port to the rear port behind it and back; from a device,
 * a circuit or another owner down to its ports, and from a port up to its owner. Ports of panels do not lead up: what enters a
 * front port leaves at its rear port alone.
 */
export async function listHops(db: Asks, sight: Sight, ids: readonly string[]): Promise<readonly Hop[]> {
  const q = walkOf(sight);
  const from = `any(${q.value(ids)}::uuid[])`;
  const rows = await db.unsafe(
    `select near.node_id as "fromId", n.id, n.kind, n.name, near.edge_type as by, near.edge_id as "edgeId",
       case when near.edge_type = 'backedBy' then coalesce((e.attributes ->> 'position')::int, 1) end as position,
       case when near.edge_type = 'backedBy' then coalesce((select (r.attributes ->> 'positions')::int from node r where r.id = (case when near.side = 'a' then far.node_id else near.node_id end)), 1) end as positions
     from edge_end near join edge_end far on far.edge_id = near.edge_id and far.side <> near.side join node n on n.id = far.node_id join edge e on e.id = near.edge_id
     where near.node_id = ${from} and near.live and near.edge_type in ('connects', 'backedBy') and ${q.sees('edge', 'e')}
     union all
     select c.parent_id, c.id, c.kind, c.name, 'contains', null, null, null
     from node c join kind ck on ck.key = c.kind
     where c.parent_id = ${from} and ${q.seesBelow('c')} and c.state <> 'retired' and c.kind not in ('front-port', 'rear-port') and (ck.category = 'component' or c.kind = 'circuit-termination')
     union all
     select c.id, p.id, p.kind, p.name, 'contains', null, null, null
     from node c join node p on p.id = c.parent_id join kind ck on ck.key = c.kind
     where c.id = ${from} and ${q.sees('node', 'p')} and c.kind not in ('front-port', 'rear-port') and (ck.category = 'component' or c.kind = 'circuit-termination')`,
    q.params,
  );
  return rows as unknown as readonly Hop[];
}

export async function findRackElevation(db: Database, sight: Sight, id: string) {
  const [rack] = await db.unsafe(
    `select height_half_units as "heightHalfUnits", starting_unit as "startingUnit" from rack where node_id = $1`,
    [id],
  );
  if (rack === undefined) return undefined;
  const q = walkOf(sight);
  const rackId = `${q.value(id)}::uuid`;
  const sees = q.sees('node', 'n');
  const claims = await db.unsafe(
    `select c.layer, c.face, lower(c.half_units) as "startHalfUnit", upper(c.half_units) - lower(c.half_units) as "heightHalfUnits",
       c.node_id is not null and not ${sees} as hidden, c.node_id as "nodeId", n.kind, n.name, r.attributes ->> 'description' as purpose
     from rack_claim c left join node n on n.id = c.node_id left join rack_reservation r on r.id = c.reservation_id
     where c.rack_id = ${rackId} order by lower(c.half_units), c.face, c.layer`,
    q.params,
  );
  const loose = await db.unsafe(
    `select n.id, n.kind, n.name from node n join kind k on k.key = n.kind
     where n.parent_id = ${rackId} and ${sees} and n.state <> 'retired' and k.category = 'device' and not exists (select from rack_claim c where c.node_id = n.id) order by n.id`,
    q.params,
  );
  return {
    rack: rack as unknown as { heightHalfUnits: number; startingUnit: number },
    claims: claims as unknown as readonly ClaimRow[],
    loose: loose as unknown as readonly { id: string; kind: string; name: string | null }[],
  };
}

export interface ClaimRow {
  readonly layer: 'device' | 'reservation';
  readonly face: 'front' | 'rear';
  readonly startHalfUnit: number;
  readonly heightHalfUnits: number;
  readonly nodeId: string | null;
  readonly kind: string | null;
  readonly name: string | null;
  readonly purpose: string | null;
  /** A device that the reader does not see. */
  readonly hidden: boolean;
}
