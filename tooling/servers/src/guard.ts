import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';

/** The uid and gid a server runs under when this process is root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface GuardedServer {
  /** The last of the server's standard error, for the message of a start that failed. */
  log(): string;
  /** Resolves when the server has ended, with its exit code. */
  readonly ended: Promise<number | null>;
  /** Closes the pipe and waits until the server has ended. */
  stop(): Promise<void>;
}

interface GuardedCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly account?: Account;
  /** Removed by the guard after the server has ended, so that it goes even when this process was killed. */
  readonly removeAfter?: string;
  readonly onLog?: (log: string) => void;
}

/**
 * Runs the server until our end of the pipe closes: on stop, and also when this process is killed outright (turbo kills
 * the other tasks when one fails, and no teardown runs then). Background jobs of a shell get /dev/null as their stdin,
 * so the pipe is kept as descriptor 3.
 */
const guardScript = [
  'exec 3<&0 </dev/null',
  '"$@" 3<&- & server=$!',
  '{ cat <&3 >/dev/null; kill -INT $server; } 2>/dev/null & exec 3<&-',
  'wait $server; status=$?',
  'if [ -n "$0" ]; then rm -rf "$0"; fi',
  'exit $status',
].join('\n');

const logLimit = 20_000;

/**
 * Starts a server that cannot outlive this process.
 * It gets a session of its own, so that Ctrl-C in a terminal reaches the application first and not the server under it.
 */
export function startGuarded(command: GuardedCommand): GuardedServer {
  const child: ChildProcess = spawn(
    '/bin/sh',
    ['-c', guardScript, command.removeAfter ?? '', command.file, ...command.args],
    {
      ...command.account,
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C', PGTZ: 'UTC' },
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    },
  );
  let log = '';
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', (error) => {
      log += String(error);
      resolve(null);
    });
  });
  // Read for as long as the server lives: a full pipe would stop it in the middle of a write.
  child.stderr?.on('data', (chunk: Buffer) => {
    // The last of it: a server that clients knock at while it recovers has said much before it says that it is ready.
    log = (log + chunk.toString()).slice(-logLimit);
    command.onLog?.(log);
  });
  child.stdin?.on('error', () => undefined);
  return {
    log: () => log,
    ended,
    async stop() {
      child.stdin?.end();
      await ended;
    },
  };
}

/** A port of the loopback interface that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('The system gave no free port.'));
      });
    });
  });
}

/** Waits so many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
