import { sql } from 'drizzle-orm';
import { boolean, check, integer, jsonb, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { createdAt, emptyObject, id, instant, inventory, updatedAt, version } from './context.js';

/** A hardware profile: height and depth for racks, component lists for what a device of it carries. */
export const deviceType = inventory.table(
  'device_type',
  {
    id: id(),
    manufacturer: text('manufacturer').notNull(),
    model: text('model').notNull(),
    slug: text('slug').notNull(),
    heightHalfUnits: integer('height_half_units').notNull(),
    fullDepth: boolean('full_depth').notNull().default(true),
    attributes: jsonb('attributes').notNull().default(emptyObject),
    components: jsonb('components').notNull().default(emptyObject),
    endedAt: instant('ended_at'),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex('device_type_slug_once_per_manufacturer')
      .on(t.manufacturer, t.slug)
      .where(sql`ended_at is null`),
    check('device_type_height_in_bounds', sql`${t.heightHalfUnits} between 0 and 400`),
  ],
);
