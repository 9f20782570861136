import { sql } from 'drizzle-orm';
import { boolean, check, foreignKey, index, jsonb, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { createdAt, emptyObject, id, instant, inventory, updatedAt, version } from './context.js';
import { node } from './node.js';

/** Nodes that are given out of together. What a pool has is what its members have: it has no counter of its own. */
export const pool = inventory.table(
  'pool',
  {
    id: id(),
    name: text('name').notNull(),
    tenantId: uuid('tenant_id'),
    labels: jsonb('labels').notNull().default(emptyObject),
    endedAt: instant('ended_at'),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    check('pool_labels_are_an_object', sql`jsonb_typeof(${t.labels}) = 'object'`),
    index('pool_by_tenant')
      .on(t.tenantId)
      .where(sql`${t.tenantId} is not null`),
    index('pool_by_name')
      .on(sql`name collate "C"`, t.id)
      .where(sql`${t.endedAt} is null`),
    uniqueIndex('pool_name_once')
      .on(sql`coalesce(${t.tenantId}, '00000000-0000-0000-0000-000000000000'::uuid)`, t.name)
      .where(sql`${t.endedAt} is null`),
  ],
);

/** A node with all that lies in it. One that shares gives of its own to the other members. */
export const poolMember = inventory.table(
  'pool_member',
  {
    poolId: uuid('pool_id').notNull(),
    nodeId: uuid('node_id').notNull(),
    shares: boolean('shares').notNull().default(false),
  },
  (t) => [
    primaryKey({ name: 'pool_member_once', columns: [t.poolId, t.nodeId] }),
    foreignKey({ name: 'pool_member_of_its_pool', columns: [t.poolId], foreignColumns: [pool.id] }),
    foreignKey({ name: 'pool_member_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    index('pool_member_by_node').on(t.nodeId),
  ],
);
