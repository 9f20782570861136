import type { Database } from '@sentral/kernel/database';

/** The tables of one stand-in, in a schema of its own name; run at each start. */
export async function makeTables(db: Database, service: string): Promise<void> {
  const statements = [
    `create schema if not exists ${service}`,
    // The journal: the entry as the rules gave it, and its state beside it for those who look for what is unfinished.
    `create table if not exists ${service}.operation (op text primary key, state text not null, entry jsonb not null)`,
    `create index if not exists operation_unfinished on ${service}.operation (op) where state in ('doing', 'undoing')`,
    `create table if not exists ${service}.outbox (
       id bigint generated always as identity primary key, message_id text not null, subject text not null, body jsonb not null,
       due_at timestamptz not null default now())`,
    `create table if not exists ${service}.thing (
       resource text not null, id text not null, op text, spec jsonb not null, state text not null,
       generation bigint not null default 1, primary key (resource, id))`,
    `create unique index if not exists thing_op_once on ${service}.thing (op)`,
    `create table if not exists ${service}.fence (holder text primary key, fence bigint not null)`,
    `create table if not exists ${service}.fault (
       id bigint generated always as identity primary key, kind text not null, action text, reply text, times integer not null,
       ms integer not null, class text not null, code text not null, chance double precision not null)`,
  ];
  for (const statement of statements) await db.unsafe(statement);
}
