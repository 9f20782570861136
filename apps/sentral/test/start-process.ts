import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

/** The deployment itself, built, in a process of its own. */
export interface Started {
  /** Of its internal wire. */
  readonly baseUrl: string;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Sends the signal and waits until the process is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export async function startProcess(settings: Readonly<Record<string, string>>): Promise<Started> {
  const child = spawn(process.execPath, [path.resolve(import.meta.dirname, '../dist/main.js')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...settings },
  });
  const ended = endOf(child);
  return {
    baseUrl: await listening(child),
    signal: (signal) => void child.kill(signal),
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** Resolves when it is gone; a run that is broken off leaves no process behind, not even a frozen one. */
export function endOf(child: ChildProcess): Promise<void> {
  const cut = () => void child.kill('SIGKILL');
  process.once('exit', cut);
  return new Promise((resolve) =>
    child.once('exit', () => {
      process.off('exit', cut);
      resolve();
    }),
  );
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer) => {
      said += chunk.toString('utf8');
      const url = /internal wire on (http:\S+)/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code) => reject(new Error(`the process ended with ${code} before it listened:\n${said}`)));
  });
}
