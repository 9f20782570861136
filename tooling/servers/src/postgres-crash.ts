import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pause } from './guard.js';

const patienceMs = 10_000;

/**
 * Ends a server and all its processes at once, as when the power goes: what it had not written is lost. The postmaster stands still
 * first, so that it begins no process that nobody would end. Linux: it reads /proc.
 */
export async function crashPostgres(dataDir: string): Promise<void> {
  const pid = Number(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGSTOP');
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const all = [...children.filter((child) => child > 0), pid];
  for (const each of all) killIfThere(each);
  // The next server is refused while one of them still has the shared memory.
  for (let waitedMs = 0; all.some(runs); waitedMs += 10) {
    if (waitedMs >= patienceMs) throw new Error(`a process of the server on ${dataDir} does not end`);
    await pause(10);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It had ended.
  }
}

function runs(pid: number): boolean {
  try {
    // The state follows the name, which is in parentheses: Z has ended and waits to be reaped.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
