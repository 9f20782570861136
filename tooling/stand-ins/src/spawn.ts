import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FaultInput } from './faults.js';
import type { StandInName } from './services.js';
import type { Drift } from './world.js';

export interface StandInProcess {
  readonly child: ChildProcess;
  /** Where its control call is taken. */
  readonly control: string;
  /** Asks for something to go wrong; without a fault it only looks. */
  ask(asked?: { fault?: FaultInput; drift?: Drift; clear?: boolean }): Promise<{
    faults: readonly object[];
    things: readonly { resource: string; id: string; op: string; state: string }[];
  }>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Lets it finish in order. */
  stop(): Promise<void>;
}

type OnBus = { readonly mailboxUrl: string } | { readonly natsUrl: string };

/** Starts a stand-in as a process of its own on a mailbox or on NATS, and waits until it serves. */
export async function startStandIn(
  service: StandInName,
  { databaseUrl, workMs = 10, ...bus }: { databaseUrl: string; workMs?: number } & OnBus,
): Promise<StandInProcess> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../dist/main.js', import.meta.url)), service], {
    env: {
      PATH: process.env['PATH'],
      STAND_IN_DATABASE_URL: databaseUrl,
      ...('natsUrl' in bus ? { STAND_IN_NATS_URL: bus.natsUrl } : { STAND_IN_MAILBOX_URL: bus.mailboxUrl }),
      STAND_IN_WORK_MS: String(workMs),
    },
    // The channel carries nothing: its end tells the child that whoever started it is gone.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const said = await Promise.race([once(child.stdout as Readable, 'data'), ended]);
  const control = /http:\S+/.exec(String(said[0]))?.[0];
  if (control === undefined) throw new Error(`the stand-in of ${service} did not start`);
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    child.kill(signal);
    await ended;
  };
  return {
    child,
    control,
    ask: async (asked = {}) => {
      const answer = await fetch(control, { method: 'POST', body: JSON.stringify(asked) });
      return (await answer.json()) as Awaited<ReturnType<StandInProcess['ask']>>;
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}
