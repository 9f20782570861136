import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pause } from './guard.js';

const patienceMs = 5000;

/**
 * A start that was killed leaves its server behind for the moment that its guard needs to stop it. Waits for that, and
 * says so when the server stays: two processes must not share one data folder without knowing it.
 */
export async function waitForFormerServer(dataDir: string): Promise<void> {
  const file = path.join(dataDir, 'postmaster.pid');
  for (let waitedMs = 0; existsSync(file); waitedMs += 50) {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
    if (!isPostgres(pid)) {
      // The machine went down with the server; the number may belong to any process by now, and PostgreSQL would refuse.
      rmSync(file, { force: true });
      return;
    }
    if (waitedMs >= patienceMs) {
      throw new Error(
        `A PostgreSQL server (process ${pid}) still runs on ${dataDir} after ${patienceMs / 1000} s. ` +
          `Another start uses it: end that one first, or stop a left-over server by: kill -INT ${pid}`,
      );
    }
    await pause(50);
  }
}

function isPostgres(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const commandLine = `/proc/${pid}/cmdline`;
  if (!existsSync('/proc/self/cmdline')) return true; // no such file system here: believe the number
  try {
    return readFileSync(commandLine, 'utf8').includes('postgres');
  } catch {
    return false;
  }
}
