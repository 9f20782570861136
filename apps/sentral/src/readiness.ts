import type { readinessSchema } from '@sentral/contracts/api/system';
import type { Bus } from '@sentral/kernel/bus/port';
import type { Database } from '@sentral/kernel/database';
import type { InferOutput } from 'valibot';
import type { Recorded } from './composition.js';
import { noAdministrator } from './auth/sessions.js';
import type { Contexts } from './routes/world.js';

type Integrity = Awaited<ReturnType<Contexts['audit']['integrity']['get']>>;
export type Readiness = InferOutput<typeof readinessSchema>;

export interface Watched {
  readonly databases: Readonly<Record<string, Database>>;
  readonly bus: Bus | undefined;
  readonly lags: readonly {
    readonly context: string;
    lag(): Promise<{ readonly unnumbered: number; readonly unpublished: number }>;
    recorded(): Promise<Recorded>;
  }[];
  /** What audit has found missing; undefined where no audit is at hand. */
  readonly integrity: (() => Promise<Pick<Integrity, 'stray' | 'contexts'>>) | undefined;
  readonly draining: () => boolean;
  /** How many refusals could not be put on record since one last could. */
  readonly refusalsMissing: () => number;
  /** What tenancy last said of its administrators; undefined where no facade asks. */
  readonly installation: () => { readonly administrators: number; readonly bootstrapOverride: boolean } | undefined;
}

/** A feed that is further behind than this is called degraded. */
const lagMax = 10_000;
const probeMs = 2_000;

/** 503 only when draining or when a needed database cannot be written; everything else is told as degraded with 200. */
export async function readiness(watched: Watched): Promise<Readiness> {
  const alone = Object.keys(watched.databases).length === 1;
  const databases = await Promise.all(
    Object.entries(watched.databases).map(async ([name, db]) => {
      const part = await probe(name, db);
      // While audit is away the feeds wait, whole, and everything else goes on: no reason to send requests elsewhere.
      return name === 'audit' && !alone && part.status === 'unavailable'
        ? { ...part, status: 'degraded' as const }
        : part;
    }),
  );
  const bus = watched.bus === undefined ? [] : [await busPart(watched.bus)];
  const lags = await Promise.all(watched.lags.flatMap((each) => [lagPart(each), recordPart(each)]));
  const missing = watched.integrity === undefined ? [] : await integrityPart(watched.integrity);
  const away = databases.some((part) => part.status === 'unavailable');
  return {
    status: watched.draining() ? 'draining' : away ? 'unready' : 'ready',
    parts: [...databases, ...bus, ...lags, ...missing, ...refusals(watched), ...administrators(watched)],
    ...(watched.installation()?.bootstrapOverride === true ? { bootstrapOverride: true } : {}),
  };
}

type Part = Readiness['parts'][number];

async function probe(name: string, db: Database): Promise<Part> {
  const label = `database ${name}`;
  try {
    const [row] = await within(db.sql<{ standby: boolean }>`select pg_is_in_recovery() as standby`);
    return row?.standby === true
      ? { name: label, status: 'unavailable', reason: 'it is a standby and cannot be written' }
      : { name: label, status: 'ok' };
  } catch {
    return { name: label, status: 'unavailable', reason: 'it does not answer' };
  }
}

async function busPart(bus: Bus): Promise<Part> {
  const { connected } = bus.health();
  return connected
    ? { name: 'bus', status: 'ok' }
    : { name: 'bus', status: 'degraded', reason: 'not connected; events wait in the feeds' };
}

async function lagPart({ context, lag }: Watched['lags'][number]): Promise<Part> {
  const name = `feed ${context}`;
  try {
    const { unnumbered, unpublished } = await within(lag());
    const behind = unnumbered + unpublished;
    return behind > lagMax
      ? { name, status: 'degraded', reason: `${behind} facts wait to be published` }
      : { name, status: 'ok' };
  } catch {
    return { name, status: 'degraded', reason: 'its lag cannot be read' };
  }
}

async function recordPart({ context, recorded }: Watched['lags'][number]): Promise<Part> {
  const name = `audit of ${context}`;
  try {
    const { behind, stopped } = await within(recorded());
    if (stopped !== undefined) return { name, status: 'degraded', reason: stopped };
    return behind > lagMax
      ? { name, status: 'degraded', reason: `${behind} facts wait to go on record` }
      : { name, status: 'ok' };
  } catch {
    return { name, status: 'degraded', reason: 'audit does not answer; facts wait in the feed, whole' };
  }
}

async function integrityPart(integrity: NonNullable<Watched['integrity']>): Promise<Part[]> {
  // That audit is away, its other parts tell.
  const found = await within(integrity()).catch(() => undefined);
  if (found === undefined) return [];
  const { contexts, stray } = found;
  const missing = contexts.reduce((sum, each) => sum + each.missing, 0);
  const reasons = [
    ...(missing === 0 ? [] : [`${missing} facts do not agree with their records`]),
    ...(stray === 0 ? [] : [`${stray} records lie in no month`]),
  ];
  return reasons.length === 0
    ? [{ name: 'audit integrity', status: 'ok' }]
    : [{ name: 'audit integrity', status: 'degraded', reason: reasons.join('; ') }];
}

function refusals({ refusalsMissing }: Watched): Part[] {
  const missing = refusalsMissing();
  if (missing === 0) return [];
  return [{ name: 'audit of refusals', status: 'degraded', reason: `${missing} could not be put on record` }];
}

function administrators(watched: Watched): Part[] {
  if (watched.installation()?.administrators !== 0) return [];
  return [{ name: 'administrators', status: 'degraded', reason: noAdministrator }];
}

/** Waits so long and no longer. */
export function within<T>(work: Promise<T>, ms = probeMs): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too slow')), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
