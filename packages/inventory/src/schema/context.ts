import { sql } from 'drizzle-orm';
import { customType, integer, pgSchema, timestamp, uuid, type AnyPgColumn } from 'drizzle-orm/pg-core';

/** The one schema of this context. Whatever leaves with the context leaves with it. */
export const inventory = pgSchema('inventory');

export const int4range = customType<{ data: string }>({ dataType: () => 'int4range' });
export const int8range = customType<{ data: string }>({ dataType: () => 'int8range' });
export const tstzrange = customType<{ data: string }>({ dataType: () => 'tstzrange' });

/** Minted by the application (uuid v7), so a retried transaction is the same attempt. */
export const id = () => uuid('id').primaryKey();

/** Moves by one with every change of the row; the guard of the kernel holds that for audited tables. */
export const version = () => integer('version').notNull().default(1);

export const createdAt = () => timestamp('created_at', { withTimezone: true }).notNull().defaultNow();
export const updatedAt = () => timestamp('updated_at', { withTimezone: true }).notNull().defaultNow();
/** Of a part that has no version: the transaction that made it so. */
export const since = () => timestamp('since', { withTimezone: true }).notNull().defaultNow();
export const instant = (name: string) => timestamp(name, { withTimezone: true });

export const emptyObject = sql`'{}'::jsonb`;
export const emptyList = sql`'{}'::text[]`;

/** A place in an order that has nothing to do with when an id was made: things that came together lie apart. */
export const shuffled = (column: AnyPgColumn) => sql`uuid_hash_extended(${column}, 0)`;
