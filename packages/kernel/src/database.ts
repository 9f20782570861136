// Prevents: acknowledged writes that vanish, queries that never settle, queues without an end. The one place where clients of the
// driver are made; it is a wire here, and neither a pool nor a manager of transactions (docs/adr: postgres.js as a wire client).
import { openConnection, type Connection, type ConnectionSettings } from './connection.js';
import { hostOrder, readTarget, redialDelayMs, type TlsOptions } from './dialer.js';
import { fault, faultCode, overloaded, sqlState, unavailable } from './errors.js';
import {
  control,
  drizzleOn,
  sqlOn,
  texted,
  toRows,
  type DrizzleHandle,
  type Rows,
  type Sql,
  type Statement,
} from './sql.js';
import { inTransaction, pools, type Pool } from './transaction.js';

export { json, type DrizzleHandle, type Row, type Rows, type Sql } from './sql.js';
export type { Tx } from './transaction.js';

/** A pool of connections as one role. Each statement on it is its own transaction; what belongs together goes through inTransaction. */
export interface Database {
  readonly sql: Sql;
  unsafe(text: string, params?: readonly unknown[]): Promise<Rows>;
  readonly drizzle: DrizzleHandle;
  /** Takes nothing new, lets what runs come to its end for so long, then cuts. */
  close(timeoutMs?: number): Promise<void>;
  /** `size` is the most that may be open; `waiting` are callers without a connection. */
  health(): { size: number; open: number; busy: number; waiting: number; writable: boolean };
}

export interface DatabaseOptions {
  /** postgres://[user[:password]@]host:port[,host:port]/database[?sslmode=require|verify-full] */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  readonly applicationName: string;
  readonly searchPath?: readonly string[];
  /** Further settings of every session, such as `role`. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly poolSize?: number;
  /** How many may wait for a connection; the next one is refused at once. */
  readonly queueLimit?: number;
  readonly acquireTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly idleInTransactionTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly connectionLifetimeMs?: number;
  /** Refuse hot standbys; false for a pool that only reads. */
  readonly needPrimary?: boolean;
  readonly tls?: TlsOptions | boolean;
}

/** How much longer than the server's own timeout the client waits: the server's answer is the better one. */
const clientMarginMs = 1_000;
/** A connection that lay idle for so long is asked first: its other end may be gone without a word. */
const probeAfterIdleMs = 15_000;
const probeDeadlineMs = 1_000;
/** New connections at once: each costs the server a fork and this process a password derivation. */
const dialsAtOnce = 4;

/**
 * Opens a database: nothing is dialled until the first statement.
 * @throws TypeError for a URL that is none
 */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = openPool(options);
  const run = async (statement: Statement): Promise<unknown> => {
    const connection = await pool.acquire();
    try {
      return await connection.run(statement, pool.statementDeadlineMs);
    } catch (error) {
      if (sqlState(error) === '25006') pool.leave(connection, error as Error);
      throw outcomeOf(error, statement);
    } finally {
      pool.release(connection);
    }
  };
  const database: Database = {
    sql: sqlOn(run),
    unsafe: async (text, params) => toRows(await run(texted(text, params))),
    drizzle: drizzleOn(run, (work) => inTransaction(database, (tx) => work(tx.drizzle.$client))),
    close: pool.close,
    health: pool.health,
  };
  pools.set(database, pool);
  return database;
}

/** A statement of its own may have been committed when its answer did not come; one that only reads has no outcome to know. */
function outcomeOf(error: unknown, statement: Statement): unknown {
  const code = faultCode(error);
  const gone =
    code === 'CONNECTION_LOST' || code === 'STATEMENT_DEADLINE' || sqlState(error)?.startsWith('57P') === true;
  if (!gone || /^\s*(?:select|show|values|table|explain)\b/i.test(statement.head)) return error;
  return fault('COMMIT_UNKNOWN', 'The connection was lost during a statement that may have written', error);
}

interface Waiter {
  resolve(connection: Connection): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

function openPool(options: DatabaseOptions): Pool & Pick<Database, 'close' | 'health'> {
  const target = readTarget(options);
  const size = options.poolSize ?? 10;
  const queueLimit = options.queueLimit ?? size * 10;
  const acquireTimeoutMs = options.acquireTimeoutMs ?? 1_000;
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  const idleTimeoutMs = options.idleInTransactionTimeoutMs ?? 5_000;
  const settings: ConnectionSettings = {
    session: {
      application_name: options.applicationName,
      TimeZone: 'UTC',
      DateStyle: 'ISO',
      statement_timeout: statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs ?? 1_000,
      // What recursion costs is guessed too high by far, and PostgreSQL would compile for seconds what runs for milliseconds.
      jit: 'off',
      idle_in_transaction_session_timeout: idleTimeoutMs,
      ...(options.searchPath ? { search_path: options.searchPath.map(quoteName).join(', ') } : {}),
      ...options.settings,
    },
    connectTimeoutMs: options.connectTimeoutMs ?? 1_000,
    lifetimeMs: options.connectionLifetimeMs ?? 30 * 60_000,
    needPrimary: options.needPrimary ?? true,
  };
  const hosts = hostOrder(target.hosts);
  const open = new Set<Connection>();
  const idle: Connection[] = []; // the last one used is the first to go out: the others grow old and are let go
  const waiters: Waiter[] = [];
  let dialling = 0;
  let failures = 0;
  let closed = false;
  let drained: (() => void) | undefined;

  return {
    acquire,
    release,
    leave,
    close,
    statementDeadlineMs: statementTimeoutMs === 0 ? 0 : statementTimeoutMs + clientMarginMs,
    idleDeadlineMs: idleTimeoutMs === 0 ? 0 : idleTimeoutMs + clientMarginMs,
    health: () => ({
      size,
      open: open.size,
      busy: open.size - idle.length,
      waiting: waiters.length,
      writable: settings.needPrimary && open.size > 0 && failures === 0,
    }),
  };

  async function acquire(): Promise<Connection> {
    for (;;) {
      const connection = idle.pop() ?? (await queue());
      if (connection.loss) continue;
      const now = performance.now();
      if (now > connection.expiresAt) void connection.end();
      else if (now - connection.idleSince < probeAfterIdleMs || (await answers(connection))) return connection;
    }
  }

  async function answers(connection: Connection): Promise<boolean> {
    try {
      await connection.run(control('select 1'), probeDeadlineMs);
      return true;
    } catch (error) {
      connection.destroy(error as Error);
      return false;
    }
  }

  function queue(): Promise<Connection> {
    if (closed) return Promise.reject(fault('CLOSED', 'The database was closed'));
    if (waiters.length >= queueLimit) return Promise.reject(failures > 0 ? unavailable() : overloaded());
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve,
        reject,
        timer: setTimeout(() => {
          waiters.splice(waiters.indexOf(waiter), 1);
          reject(open.size === 0 ? unavailable() : overloaded());
        }, acquireTimeoutMs),
      };
      waiters.push(waiter);
      grow();
    });
  }

  function release(connection: Connection): void {
    if (connection.loss) return;
    const now = performance.now();
    if (closed || now > connection.expiresAt) return void connection.end();
    connection.idleSince = now;
    const waiter = waiters.shift();
    if (!waiter) return void idle.push(connection);
    clearTimeout(waiter.timer);
    waiter.resolve(connection);
  }

  /** The host does not write any more: every connection to it goes, and the next dial begins elsewhere. */
  function leave(connection: Connection, reason: Error): void {
    if (!settings.needPrimary) return;
    hosts.bad(connection.at);
    for (const other of idle.slice()) if (other.at === connection.at) other.destroy(reason);
    connection.destroy(reason);
  }

  function grow(): void {
    while (!closed && dialling < dialsAtOnce && dialling < waiters.length && open.size + dialling < size) {
      dialling += 1;
      void dial().finally(() => {
        dialling -= 1;
        grow();
      });
    }
  }

  async function dial(): Promise<void> {
    if (failures > 0) await new Promise((resolve) => setTimeout(resolve, redialDelayMs(failures)));
    let last: unknown;
    for (const at of hosts.list()) {
      try {
        const connection = await openConnection(target, at, settings);
        hosts.good(at);
        failures = 0;
        return admit(connection);
      } catch (error) {
        hosts.bad(at);
        last = error;
      }
    }
    failures += 1;
    // A wrong password, role or database name does not mend itself by waiting.
    if (/^(28|3D)/.test(sqlState(last) ?? '')) rejectAll(last as Error);
  }

  function admit(connection: Connection): void {
    open.add(connection);
    connection.onLoss(() => {
      open.delete(connection);
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
      if (open.size === 0) drained?.();
      grow();
    });
    release(connection);
  }

  function rejectAll(error: Error): void {
    for (const waiter of waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(error);
    }
  }

  async function close(timeoutMs = 5_000): Promise<void> {
    closed = true;
    rejectAll(fault('CLOSED', 'The database was closed'));
    for (const connection of idle.slice()) void connection.end();
    if (open.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([new Promise<void>((resolve) => (drained = resolve)), late]);
    clearTimeout(timer);
    for (const connection of open) connection.destroy(fault('CLOSED', 'The database was closed'));
  }
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
