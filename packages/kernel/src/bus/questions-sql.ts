// Statements of the questions that processes ask each other over the mailbox. Each is a transaction of its own; claims skip what is
// locked, so none waits. The table is unlogged: a question lives as long as its asker waits, and what a crash loses is asked again.
import type { Database } from '../database.js';

export interface Question {
  readonly id: number;
  readonly subject: string;
  readonly data: string;
  /** How long its asker still waits. */
  readonly leftMs: number;
}

export type Answer = { readonly answer: string } | { readonly fault: string };

export async function insertQuestion(
  db: Database,
  { subject, data, timeoutMs }: { subject: string; data: string; timeoutMs: number },
): Promise<number> {
  const [row] = await db.sql<{ id: number }>`
    insert into bus.question (subject, data, expires_at)
    values (${subject}, ${data}, now() + ${timeoutMs}::float8 * interval '1 millisecond') returning id`;
  if (row === undefined) throw new Error('a question got no row');
  return row.id;
}

/** Questions that nobody answers yet, for who answers on subjects of these patterns. */
export async function claimQuestions(
  db: Database,
  patterns: readonly string[],
  limit: number,
): Promise<readonly Question[]> {
  return await db.sql<Question & Record<string, unknown>>`
    update bus.question asked set taken_at = now() where asked.id in (
      select id from bus.question where taken_at is null and expires_at > now() and subject ~ any(${[...patterns]}::text[])
      order by id limit ${limit} for update skip locked
    ) returning id, subject, data, (extract(epoch from expires_at - now()) * 1000)::float8 as "leftMs"`;
}

export async function keepAnswer(db: Database, id: number, told: Answer): Promise<void> {
  const [answer, fault] = 'answer' in told ? [told.answer, null] : [null, told.fault];
  await db.sql`
    update bus.question set answered_at = now(), answer = ${answer}, fault = ${fault} where id = ${id}`;
}

/** The answer, and the end of the question; `nobody` has taken a question that should have been by now, and none will. */
export async function takeAnswer(
  db: Database,
  id: number,
  { overdue }: { overdue: boolean },
): Promise<Answer | 'nobody' | undefined> {
  const [row] = await db.sql<{ answered: boolean; answer: string | null; fault: string | null }>`
    delete from bus.question where id = ${id} and (answered_at is not null or (taken_at is null and ${overdue}))
    returning answered_at is not null as answered, answer, fault`;
  if (row === undefined) return undefined;
  if (!row.answered) return 'nobody';
  return row.fault === null ? { answer: row.answer ?? '' } : { fault: row.fault };
}

export async function endQuestion(db: Database, id: number): Promise<void> {
  await db.sql`delete from bus.question where id = ${id}`;
}

/** What an asker left behind that was killed. */
export async function endStaleQuestions(db: Database): Promise<void> {
  await db.sql`
    delete from bus.question where id in (
      select id from bus.question where expires_at <= now() - interval '1 minute' limit 1000 for update skip locked)`;
}
