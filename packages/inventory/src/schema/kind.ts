import { sql } from 'drizzle-orm';
import { boolean, check, integer, jsonb, text, unique } from 'drizzle-orm/pg-core';
import { createdAt, emptyList, emptyObject, id, inventory, updatedAt, version } from './context.js';

/**
 * What a node can be. Kinds are data: a migration ships the base set, and no statement of the application writes here
 * (inventory_app has SELECT only), so the table needs no guard.
 */
export const kind = inventory.table(
  'kind',
  {
    key: text('key').primaryKey(),
    title: text('title').notNull(),
    category: text('category').notNull(),
    attributeSchema: jsonb('attribute_schema').notNull().default(emptyObject),
    attributeVersion: integer('attribute_version').notNull().default(1),
    /** Null allows any parent; an empty list allows none. */
    allowedParents: text('allowed_parents').array(),
    allocMode: text('alloc_mode').notNull().default('none'),
    isFailureDomain: boolean('is_failure_domain').notNull().default(false),
    /** Whether an edge `connects` may end here. */
    isConnectable: boolean('is_connectable').notNull().default(false),
    allowedTraits: text('allowed_traits').array().notNull().default(emptyList),
    /** How long its nodes are cleaned between two that have them whole, and whether that is to be declared; a node may say otherwise. */
    cleaningSeconds: integer('cleaning_seconds').notNull().default(0),
    scrubs: boolean('scrubs').notNull().default(false),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    check('kind_key_is_kebab_case', sql`${t.key} ~ '^[a-z][a-z0-9-]{0,62}$'`),
    check('kind_category_known', sql`${t.category} in ('location', 'device', 'component', 'logical')`),
    check('kind_cleaning_in_bounds', sql`${t.cleaningSeconds} between 0 and 2592000`),
    check('kind_alloc_mode_known', sql`${t.allocMode} in ('none', 'exclusive', 'shared')`),
  ],
);

/** What a node can be said to have; nobody can ask for what is not registered. */
export const trait = inventory.table(
  'trait',
  {
    id: id(),
    key: text('key').notNull(),
    title: text('title').notNull(),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('trait_key_once').on(t.key),
    check('trait_key_is_kebab_case', sql`${t.key} ~ '^[a-z][a-z0-9-]{0,62}$'`),
  ],
);
