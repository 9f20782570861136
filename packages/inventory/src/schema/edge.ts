import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, emptyObject, id, instant, inventory, since, updatedAt, version } from './context.js';
import { node } from './node.js';

/** What a version of an edge says. */
export const edgeFacts = () => ({
  edgeType: text('edge_type').notNull(),
  attributes: jsonb('attributes').notNull().default(emptyObject),
  live: boolean('live').notNull().default(true),
  endedAt: instant('ended_at'),
  version: version(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/** A relation beside containment. A cable is one edge, however many ports end on each of its sides. */
export const edge = inventory.table(
  'edge',
  {
    id: id(),
    ...edgeFacts(),
  },
  (t) => [
    check('edge_type_known', sql`${t.edgeType} in ('connects', 'depends', 'memberOf', 'backedBy')`),
    check('edge_lives_until_it_ends', sql`${t.live} = (${t.endedAt} is null)`),
    // Referenced by the ends, so that an end cannot lie about its edge's type or life.
    unique('edge_as_its_ends_see_it').on(t.id, t.edgeType, t.live),
    index('edge_by_created')
      .on(t.createdAt, t.id)
      .where(sql`${t.live}`),
  ],
);

/** A part of the edge: it changes with the edge's version alone. `connects` is symmetric; otherwise a = source, b = target. */
export const edgeEnd = inventory.table(
  'edge_end',
  {
    edgeId: uuid('edge_id').notNull(),
    edgeType: text('edge_type').notNull(),
    live: boolean('live').notNull().default(true),
    side: text('side').notNull(),
    ordinal: integer('ordinal').notNull(),
    nodeId: uuid('node_id').notNull(),
    since: since(),
  },
  (t) => [
    primaryKey({ name: 'edge_end_node_once_per_edge', columns: [t.edgeId, t.nodeId] }),
    foreignKey({
      name: 'edge_end_of_its_edge',
      columns: [t.edgeId, t.edgeType, t.live],
      foreignColumns: [edge.id, edge.edgeType, edge.live],
    }).onUpdate('cascade'),
    foreignKey({ name: 'edge_end_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    check('edge_end_side_known', sql`${t.side} in ('a', 'b')`),
    uniqueIndex('edge_end_port_cabled_once')
      .on(t.nodeId)
      .where(sql`${t.edgeType} = 'connects' and ${t.live}`),
    // Also those that are no more: they are asked for as of an instant.
    index('edge_end_by_node').on(t.nodeId, t.live, t.edgeType),
  ],
);
