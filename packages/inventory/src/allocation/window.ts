import { problem } from '@sentral/contracts/problem';
import type { Span } from './levels.js';

/** When things are wanted: [startsAt, endsAt). Without a start from now on, without an end for good. */
export interface Window {
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
}

export const forGood: Window = { startsAt: null, endsAt: null };

export interface WindowFault {
  readonly pointer: '/startsAt' | '/endsAt' | '/ttlSeconds';
  readonly code: string;
  readonly message: string;
}

interface Asked {
  readonly startsAt?: string | undefined;
  readonly endsAt?: string | null | undefined;
}

/** A window as it was asked for; undefined where none was. */
export function readWindow({ startsAt, endsAt }: Asked): Window | undefined {
  if (startsAt === undefined && endsAt === undefined) return undefined;
  return {
    startsAt: startsAt === undefined ? null : new Date(startsAt),
    endsAt: endsAt == null ? null : new Date(endsAt),
  };
}

const minute = 60_000;
/** How far ahead a window may lie: far beyond any plan, and within what a number holds in microseconds. */
const aheadMaxMs = 10 * 366 * 86_400_000;

/**
 * A window by the clock of the transaction. Whoever says "now" says it a little earlier than it arrives: a start in the minute
 * that runs is now.
 */
export function judgeWindow({ startsAt, endsAt }: Window, now: Date): Window | WindowFault {
  if (startsAt !== null && startsAt.getTime() < Math.floor(now.getTime() / minute) * minute)
    return { pointer: '/startsAt', code: 'past', message: `must not lie in the past: it is ${now.toISOString()}` };
  const start = startsAt === null || startsAt <= now ? null : startsAt;
  if (endsAt !== null && endsAt <= (start ?? startsAt ?? now))
    return { pointer: '/endsAt', code: 'out_of_bounds', message: 'must be later than startsAt' };
  if (endsAt !== null && endsAt <= now)
    return { pointer: '/endsAt', code: 'past', message: `must not lie in the past: it is ${now.toISOString()}` };
  for (const [pointer, instant] of [['/startsAt', start] as const, ['/endsAt', endsAt] as const])
    if (instant !== null && instant.getTime() - now.getTime() > aheadMaxMs)
      return { pointer, code: 'out_of_bounds', message: 'must lie at most ten years ahead' };
  return { startsAt: start, endsAt };
}

/** @throws Problem validation-failed */
export function expectWindow(judged: Window | WindowFault): Window {
  if (!('pointer' in judged)) return judged;
  throw problem('validation-failed', { errors: [judged] });
}

/** @throws Problem validation-failed: only of what ends can be told that it ends */
export function expectEnd(endsAt: Date | null): void {
  if (endsAt !== null) return;
  throw problem('validation-failed', {
    errors: [{ pointer: '/noticeSeconds', code: 'contradiction', message: 'needs an endsAt' }],
  });
}

/** How long it lasts, from now where it has begun; infinite without an end. */
export const secondsOf = ({ startsAt, endsAt }: Window, now: Date): number =>
  endsAt === null ? Infinity : (endsAt.getTime() - (startsAt ?? now).getTime()) / 1_000;

/** A span as a window: what has begun has begun. */
export const windowOf = ({ from, until }: Span): Window => ({
  startsAt: new Date(from / 1_000),
  endsAt: until === Infinity ? null : new Date(Math.ceil(until / 1_000)),
});

/** A window as a span from now on. */
export const spanOfWindow = ({ startsAt, endsAt }: Window, nowUs: number): Span => ({
  from: startsAt === null ? nowUs : startsAt.getTime() * 1_000,
  until: endsAt === null ? Infinity : endsAt.getTime() * 1_000,
});

/** A window as a refusal names it. */
export const namedWindow = ({ startsAt, endsAt }: Window) => ({
  ...(startsAt === null ? {} : { startsAt: startsAt.toISOString() }),
  ...(endsAt === null ? {} : { expiresAt: endsAt.toISOString() }),
});

/** A window with what follows it. */
export const withCleaning = (window: Window, cleaningSeconds: number): Window =>
  window.endsAt === null || cleaningSeconds === 0
    ? window
    : { ...window, endsAt: new Date(window.endsAt.getTime() + cleaningSeconds * 1_000) };

/** Whether two windows have an instant in common; a start of null is now, which both are asked at. */
export const overlap = (a: Window, b: Window): boolean =>
  (a.endsAt === null || b.startsAt === null || b.startsAt < a.endsAt) &&
  (b.endsAt === null || a.startsAt === null || a.startsAt < b.endsAt);
