import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, startGuarded, type Account, type GuardedServer } from './guard.js';
import { postgresBinaries, postgresVersion } from './postgres-binaries.js';
import { crashPostgres } from './postgres-crash.js';
import { waitForFormerServer } from './postgres-former.js';
import { makeServerFolder, reachableFolder, serverAccount } from './reachable.js';

export interface PostgresOptions {
  /** Data folder, kept. Without one a temporary one is made, and removed when the server ends. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Trades durability for speed: tests only. */
  readonly unsafe?: boolean;
  readonly maxConnections?: number;
  /** More server settings by name; they win over ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  /** Superuser's URL of the database `postgres`. */
  readonly url: string;
  /** As the server reports it, for example 18.4. */
  readonly version: string;
  stop(): Promise<void>;
  /** Loses what it has not written, as when the power goes; its data folder can be started again. For tests, on Linux. */
  crash(): Promise<void>;
}

const superuser = 'sentral';

/** What database.md 2 asks of every server that Sentral runs on. */
const productionSettings = {
  client_connection_check_interval: '1s', // a killed client's locks are free after 0.6 s, not 19.6 s
  max_slot_wal_keep_size: '1GB', // an abandoned slot must not fill the disk
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '2',
  tcp_keepalives_count: '3',
};

const unsafeSettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', jit: 'off' };

/** Starts a real PostgreSQL on the loopback interface; it ends with this process, however that ends. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Somebody took the free port between finding and binding it.
      if (!String(error).includes('could not bind') || options.port !== undefined || attempt === 3) throw error;
    }
  }
}

async function startOnce(options: PostgresOptions): Promise<PostgresServer> {
  const account = serverAccount();
  const binaries = postgresBinaries(account !== undefined);
  const version = postgresVersion(binaries);
  const temporary = options.dataDir === undefined;
  const dataDir =
    options.dataDir === undefined
      ? mkdtempSync(path.join(tmpdir(), 'sentral-postgres-'))
      : reachableFolder(options.dataDir, account);
  makeServerFolder(dataDir, account);
  await waitForFormerServer(dataDir);
  const password = existsSync(path.join(dataDir, 'PG_VERSION'))
    ? readPassword(dataDir)
    : initialise({ binaries, dataDir, account, options });
  const port = options.port ?? (await freePort());
  const server = await startServer({ binaries, dataDir, port, account, options, temporary });
  const crash = async (): Promise<void> => {
    await crashPostgres(dataDir);
    await server.stop();
  };
  return { url: `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`, version, stop: server.stop, crash };
}

/** The version of the embedded PostgreSQL, without starting it. */
export function embeddedPostgresVersion(): string {
  return postgresVersion(postgresBinaries(serverAccount() !== undefined));
}

interface Place {
  readonly binaries: string;
  readonly dataDir: string;
  readonly account: Account | undefined;
  readonly options: PostgresOptions;
}

/** Beside the data folder, not in it: the server's account has no business with it. */
const passwordFile = (dataDir: string): string => `${dataDir}.password`;

function readPassword(dataDir: string): string {
  if (existsSync(passwordFile(dataDir))) return readFileSync(passwordFile(dataDir), 'utf8').trim();
  throw new Error(`${passwordFile(dataDir)} is missing, so nobody can log in to the database in ${dataDir}.`);
}

function initialise({ binaries, dataDir, account, options }: Place): string {
  const password = randomBytes(18).toString('base64url');
  const handed = path.join(tmpdir(), `sentral-initdb-${randomBytes(8).toString('hex')}`);
  writeFileSync(handed, `${password}\n`, { mode: 0o600, flag: 'wx' });
  if (account) chownSync(handed, account.uid, account.gid);
  const args = ['-D', dataDir, '-U', superuser, '-A', 'scram-sha-256', '--pwfile', handed, '-E', 'UTF8'];
  args.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions');
  if (options.unsafe) args.push('--no-sync');
  const env = { ...process.env, LC_ALL: 'C', PGTZ: 'UTC' };
  const done = spawnSync(path.join(binaries, 'bin/initdb'), args, { ...account, cwd: '/', env, encoding: 'utf8' });
  rmSync(handed, { force: true });
  if (done.status !== 0) throw new Error(`initdb failed. ${done.error?.message ?? ''}${done.stderr}`);
  if (options.dataDir !== undefined) writeFileSync(passwordFile(dataDir), `${password}\n`, { mode: 0o600 });
  return password;
}

async function startServer(place: Place & { port: number; temporary: boolean }): Promise<GuardedServer> {
  const { options } = place;
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: String(options.maxConnections ?? 100),
    ...productionSettings,
    ...(options.unsafe ? unsafeSettings : {}),
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let announceReady: () => void = () => undefined;
  const ready = new Promise<'ready'>((resolve) => (announceReady = () => resolve('ready')));
  const server = startGuarded({
    file: path.join(place.binaries, 'bin/postgres'),
    args: ['-D', place.dataDir, '-p', String(place.port), ...flags],
    ...(place.account ? { account: place.account } : {}),
    ...(place.temporary ? { removeAfter: place.dataDir } : {}),
    onLog: (log) => {
      if (log.includes('ready to accept connections')) announceReady();
    },
  });
  if ((await Promise.race([ready, server.ended])) === 'ready') return server;
  await server.stop();
  throw new Error(`PostgreSQL did not start.\n${server.log()}`);
}
