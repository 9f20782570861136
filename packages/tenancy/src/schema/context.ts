import { sql } from 'drizzle-orm';
import { bigint, pgSchema, timestamp, uuid } from 'drizzle-orm/pg-core';

/** The one schema of this context. Whatever leaves with the context leaves with it. */
export const tenancy = pgSchema('tenancy');

export const at = (name: string) => timestamp(name, { withTimezone: true });
export const count = (name: string) => bigint(name, { mode: 'number' });

/** Minted by the application (uuid v7), so a retried transaction is the same attempt. */
export const id = () => uuid('id').primaryKey();

/** Of an audited table: moved by one with every change, held by the kernel's guard. */
export const audited = () => ({
  version: count('version').notNull().default(1),
  createdAt: at('created_at').notNull().defaultNow(),
  updatedAt: at('updated_at').notNull().defaultNow(),
});

export const emptyList = sql`'[]'::jsonb`;
