import type { diagnosticsSchema, invariantsSchema } from '@sentral/contracts/api/system';
import type { Bus } from '@sentral/kernel/bus/port';
import type { InferOutput } from 'valibot';
import { facade } from './auth/sessions.js';
import type { poolsByRole, startRelays } from './composition.js';
import { versionHere } from './ops/process.js';
import { within, type Readiness } from './readiness.js';
import type { Contexts } from './routes/world.js';

export type Diagnostics = InferOutput<typeof diagnosticsSchema>;
export type Invariants = InferOutput<typeof invariantsSchema>;

export interface Diagnosed {
  readonly mode: string;
  readonly contexts: readonly string[];
  readonly pools: ReturnType<typeof poolsByRole>;
  readonly bus: Bus;
  readonly relays: ReturnType<typeof startRelays>;
  readonly readiness: () => Promise<Readiness>;
}

/** How this process is, as an operator looks at it; what does not answer in time is left out. */
export async function diagnose(of: Diagnosed): Promise<Diagnostics> {
  const [readiness, feeds] = await Promise.all([of.readiness(), Promise.all(of.relays.map(feedOf))]);
  return {
    at: new Date().toISOString(),
    version: versionHere(),
    node: process.versions.node,
    mode: of.mode,
    uptimeSeconds: Math.floor(process.uptime()),
    residentMib: Math.round(process.memoryUsage.rss() / 1_048_576),
    readiness,
    contexts: [...of.contexts],
    pools: of.pools.map(({ context, role, db }) => {
      const { size, open, busy, waiting } = db.health();
      return { context, role, size, open, busy, waiting };
    }),
    bus: of.bus.health(),
    feeds,
  };
}

async function feedOf({ context, lag, recorded }: Diagnosed['relays'][number]): Promise<Diagnostics['feeds'][number]> {
  const nothing = () => undefined;
  const [seen, record] = await Promise.all([within(lag()).catch(nothing), within(recorded()).catch(nothing)]);
  const { unnumbered, oldestSeconds, unpublished } = seen ?? {};
  const behind = record === undefined ? undefined : Math.max(0, record.behind);
  return {
    context,
    ...(seen === undefined ? {} : { unnumbered, oldestSeconds, unpublished }),
    ...(behind === undefined ? {} : { unrecorded: behind }),
  };
}

/** Whoever asks while it is looked up, or a moment later, is given the same answer: asking costs the databases nothing more. */
const freshMs = 2_000;
const contextMs = 20_000;

/** Joins what each context says of its invariants. One that does not answer is told as unavailable and keeps no other. */
export function createInvariants(contexts: Contexts): () => Promise<Invariants> {
  let asked: { readonly at: number; readonly answer: Promise<Invariants> } | undefined;
  return () => {
    if (asked === undefined || performance.now() - asked.at > freshMs) {
      const answer = lookUp(contexts);
      const mine = { at: Infinity, answer };
      asked = mine;
      void answer.then(() => (mine.at = performance.now()));
    }
    return asked.answer;
  };
}

async function lookUp(contexts: Contexts): Promise<Invariants> {
  const at = new Date().toISOString();
  const found = await Promise.all(
    Object.entries(contexts).map(async ([context, { invariant }]: [string, Contexts['tenancy']]) => {
      try {
        const { items } = await within(invariant.list(facade, {}), contextMs);
        return { context, status: 'ok' as const, invariants: items };
      } catch {
        return { context, status: 'unavailable' as const, reason: 'it does not answer', invariants: [] };
      }
    }),
  );
  const holds = found.every(
    ({ status, invariants }) =>
      status === 'ok' && invariants.every(({ violations, unknown }) => violations === 0 && unknown === undefined),
  );
  return { at, holds, contexts: found };
}
