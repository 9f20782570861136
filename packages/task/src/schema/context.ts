import { bigint, pgSchema, timestamp, uuid } from 'drizzle-orm/pg-core';

/** The one schema of this context. Whatever leaves with the context leaves with it. */
export const task = pgSchema('task');

export const at = (name: string) => timestamp(name, { withTimezone: true });
export const count = (name: string) => bigint(name, { mode: 'number' });

/** Minted by the application (uuid v7), so a retried transaction is the same attempt. */
export const id = () => uuid('id').primaryKey();
