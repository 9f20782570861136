// Prevents: half of a transaction in autocommit, a commit that was none, a commit told as failed. A transaction holds one connection
// from BEGIN to the tag of COMMIT, and nothing is sent on it after a loss or the end.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Connection } from './connection.js';
import type { Database } from './database.js';
import { fault, faultCode, isRetryable, sqlState } from './errors.js';
import {
  control,
  drizzleOn,
  lastResult,
  sqlOn,
  texted,
  toRows,
  type DrizzleHandle,
  type Rows,
  type Sql,
  type Statement,
} from './sql.js';

declare const transaction: unique symbol;

/** A running transaction. Writes and locks take this, never a Database. */
export interface Tx {
  readonly [transaction]: true;
  readonly sql: Sql;
  unsafe(text: string, params?: readonly unknown[]): Promise<Rows>;
  readonly drizzle: DrizzleHandle;
  /** What `work` did is undone when it throws, or when a statement in it failed; the transaction goes on. */
  savepoint<T>(work: () => Promise<T>): Promise<T>;
}

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

/**
 * Settings of a transaction whose statements find their rows by key, however many there are: planned once a connection, and never by
 * what is in the tables at first, or by how many rows the planner takes a walk to have.
 */
export const byKey = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_material: 'off',
};

export interface TransactionOptions {
  readonly isolation?: Isolation;
  /** Runs in all, the first one included. */
  readonly attempts?: number;
  /** For everything: waiting, all runs and the pauses between them. */
  readonly deadlineMs?: number;
  /** `set local`, such as `sentral.tenant` or `statement_timeout`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A dry run: deferred constraints are judged, then everything is undone; the result is still returned. */
  readonly rollback?: boolean;
}

/** What a transaction needs of a pool; openDatabase puts its own in. */
export interface Pool {
  acquire(): Promise<Connection>;
  release(connection: Connection): void;
  leave(connection: Connection, reason: Error): void;
  readonly statementDeadlineMs: number;
  readonly idleDeadlineMs: number;
}
export const pools = new WeakMap<Database, Pool>();

/** One run and three more. */
const attemptsDefault = 4;

/**
 * Runs `work` in one transaction, and the whole of it again when the database chose it as the victim of a conflict (40001, 40P01).
 * Ids are made outside, so that each run is the same attempt.
 * @throws Problem overloaded, dependency-unavailable
 * @throws a fault COMMIT_UNKNOWN when it cannot be known whether it was committed: never retried here
 */
export async function inTransaction<T>(
  db: Database,
  work: (tx: Tx) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const pool = pools.get(db);
  if (!pool) throw new TypeError('inTransaction takes a Database of openDatabase');
  const until = options.deadlineMs === undefined ? Infinity : performance.now() + options.deadlineMs;
  const attempts = options.attempts ?? attemptsDefault;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(pool, work, { ...options, until });
    } catch (error) {
      const pauseMs = 2 ** attempt * 5 * (0.5 + Math.random());
      if (attempt >= attempts || !mayRunAgain(error) || performance.now() + pauseMs > until) throw unwrapped(error);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

const notBegun = Symbol('not begun');

/** Lost before BEGIN was answered: `work` was never called, so a fresh connection is as good as the first. */
function mayRunAgain(error: unknown): boolean {
  if (typeof error === 'object' && error !== null && notBegun in error) return true;
  return isRetryable(error);
}

function unwrapped(error: unknown): unknown {
  return typeof error === 'object' && error !== null && notBegun in error ? error[notBegun] : error;
}

type RunOptions = TransactionOptions & { readonly until: number };

async function runOnce<T>(pool: Pool, work: (tx: Tx) => Promise<T>, options: RunOptions): Promise<T> {
  const connection = await pool.acquire();
  let state: ReturnType<typeof openTransaction> | undefined;
  try {
    await begin(pool, connection, options);
    state = openTransaction(pool, connection, options);
    const result = await state.settled(work);
    await (options.rollback ? undo(state) : commit(state));
    return result;
  } catch (error) {
    state?.end();
    if (sqlState(error) === '25006') pool.leave(connection, error as Error);
    // Whatever is left of it is undone; a connection that cannot even do that is of no use to the next one.
    if (!connection.loss && faultCode(error) !== 'COMMIT_REFUSED') {
      await connection
        .run(control('rollback'), pool.statementDeadlineMs)
        .catch((e: unknown) => connection.destroy(e as Error));
    }
    throw error;
  } finally {
    state?.end();
    pool.release(connection);
  }
}

async function begin(pool: Pool, connection: Connection, { isolation, settings }: RunOptions): Promise<void> {
  let text = isolation === undefined ? 'begin' : `begin isolation level ${isolation}`;
  const set = Object.entries(settings ?? {}).map(
    ([name, value]) => `pg_catalog.set_config(${literal(name)},${literal(value)},true)`,
  );
  if (set.length > 0) text += `;select ${set.join(',')}`;
  try {
    await connection.run(control(text), pool.statementDeadlineMs);
  } catch (error) {
    if (!connection.loss) throw error;
    throw Object.assign(new Error('The connection was lost before BEGIN'), { [notBegun]: error });
  }
}

interface Running {
  readonly tx: Tx;
  readonly pool: Pool;
  readonly connection: Connection;
  /** The result of `work`, once everything that it put on the wire is answered and nothing of it failed. */
  settled<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Nothing is accepted from here on. */
  end(): void;
}

function openTransaction(pool: Pool, connection: Connection, options: RunOptions): Running {
  const statementMs = statementDeadlineMs(pool, options);
  let ended = false;
  let failure: { error: unknown } | undefined; // PostgreSQL refuses what follows a failed statement; so do we, without asking it
  let running = 0; // on the wire
  let last: Promise<unknown> | undefined; // answers come in order: when this one is here, all are
  let idle: NodeJS.Timeout | undefined;
  let savepoints = 0;
  const nesting: number[] = [];
  const whole =
    options.until === Infinity ? undefined : setTimeout(overdue, Math.max(1, options.until - performance.now()));
  rest();

  const drizzle = (): DrizzleHandle => drizzleOn(run, (nested) => savepoint(() => nested(tx.drizzle.$client)));
  const sql = sqlOn(run);
  let handle: DrizzleHandle | undefined;
  const tx = {
    sql: ((strings, ...values) => watched(sql(strings, ...values))) as Sql,
    unsafe: (text: string, params?: readonly unknown[]) =>
      watched((async () => toRows(await run(texted(text, params))))()),
    get drizzle() {
      return (handle ??= drizzle());
    },
    savepoint: <T>(work: () => Promise<T>) => watched(savepoint(work)),
  } as unknown as Tx;
  return { tx, pool, connection, settled, end };

  function overdue(): void {
    connection.destroy(fault('TRANSACTION_DEADLINE', 'The transaction did not come to its end in time'));
  }

  /** Between two statements: a callback that never settles must not keep the connection. */
  function rest(): void {
    if (pool.idleDeadlineMs > 0) idle = setTimeout(overdue, pool.idleDeadlineMs);
  }

  function end(): void {
    ended = true;
    clearTimeout(idle);
    clearTimeout(whole);
  }

  /**
   * Sent at once and answered in the order in which they were given: statements that do not wait for each other share their way
   * to the server and back. What follows a failed one is refused there, and told here with the error of the first.
   */
  async function run(statement: Statement): Promise<unknown> {
    if (ended) throw fault('TRANSACTION_ENDED', 'The transaction has ended');
    if (failure) throw failure.error;
    clearTimeout(idle);
    running += 1;
    last = send(statement);
    return await last;
  }

  async function send(statement: Statement): Promise<unknown> {
    try {
      return await connection.run(statement, statementMs);
    } catch (error) {
      failure ??= { error };
      throw sqlState(error) === inFailedTransaction ? failure.error : error;
    } finally {
      running -= 1;
      if (running === 0 && !ended && !connection.loss) rest();
    }
  }

  async function answered(): Promise<void> {
    while (running > 0) await last?.catch(nothing);
  }

  async function settled<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    let forget = nothing;
    const loss = new Promise<never>((_, reject) => (forget = connection.onLoss(reject)));
    loss.catch(nothing);
    try {
      const result = await Promise.race([work(tx), loss]);
      await answered();
      if (failure) throw failure.error; // the callback swallowed it
      return result;
    } catch (error) {
      ended = true;
      await answered();
      // What the callback made of a conflict does not matter: the whole transaction runs again.
      throw failure && isRetryable(failure.error) ? failure.error : error;
    } finally {
      forget();
    }
  }

  async function savepoint<T>(work: () => Promise<T>): Promise<T> {
    // A second one beside a running one would be undone with it, after it was told as done.
    const around = within.getStore();
    if ((around?.nesting === nesting ? around.savepoint : undefined) !== nesting.at(-1)) {
      const error = fault('TRANSACTION_ENDED', 'Savepoints nest: two of one transaction do not run beside each other');
      failure ??= { error };
      throw error;
    }
    const mine = (savepoints += 1);
    nesting.push(mine);
    await run(control(`savepoint s${mine}`));
    let result: T;
    try {
      result = await within.run({ nesting, savepoint: mine }, work);
      await answered();
      if (failure) throw failure.error;
    } catch (error) {
      await answered();
      nesting.pop();
      if (failure && isRetryable(failure.error)) throw failure.error;
      failure = undefined;
      await run(control(`rollback to savepoint s${mine};release savepoint s${mine}`));
      throw error;
    }
    nesting.pop();
    await run(control(`release savepoint s${mine}`));
    return result;
  }
}

/** Which savepoint a piece of code runs in: its transaction's nesting, and the innermost. */
const within = new AsyncLocalStorage<{ nesting: readonly number[]; savepoint: number }>();
const nothing = (): void => undefined;
const inFailedTransaction = '25P02';

/** A statement that nobody awaits is not lost: its error is thrown by inTransaction itself. */
function watched<T>(promise: Promise<T>): Promise<T> {
  promise.catch(nothing);
  return promise;
}

function statementDeadlineMs(pool: Pool, { settings }: TransactionOptions): number {
  const own = settings?.['statement_timeout'];
  if (own === undefined || pool.statementDeadlineMs === 0) return pool.statementDeadlineMs;
  const match = /^(\d+)(ms|s|min|h)?$/.exec(own.trim());
  if (!match) throw new TypeError('statement_timeout is a whole number of ms, s, min or h');
  const ownMs = Number(match[1]) * { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 }[(match[2] ?? 'ms') as 'ms'];
  return ownMs === 0 ? 0 : Math.max(pool.statementDeadlineMs, ownMs + 1_000);
}

/**
 * Nothing is ever cancelled: PostgreSQL answers a cancelled wait for a standby with success and a warning (connection.ts listens for
 * it). When the deadline passes the socket goes, the server waits on with its locks held, and the outcome is unknown.
 */
async function commit({ connection, pool, end }: Running): Promise<void> {
  end();
  if (connection.loss) throw connection.loss; // before COMMIT was sent: known to be undone
  let answer: unknown;
  try {
    answer = await connection.run(control('commit'), pool.statementDeadlineMs);
  } catch (error) {
    if (!connection.loss) throw error; // PostgreSQL refused, and rolled back
    throw fault('COMMIT_UNKNOWN', 'The connection was lost during COMMIT', error);
  }
  const tag = lastResult(answer).command;
  if (tag !== 'COMMIT') throw fault('COMMIT_REFUSED', `COMMIT was answered with ${tag}: nothing was written`);
}

async function undo({ connection, pool, end }: Running): Promise<void> {
  end();
  if (connection.loss) throw connection.loss;
  await connection.run(control('set constraints all immediate;rollback'), pool.statementDeadlineMs);
}

function literal(text: string): string {
  // standard_conforming_strings could be off: a backslash must not end up as an escape.
  return text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;
}
