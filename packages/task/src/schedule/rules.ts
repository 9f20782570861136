import { Cron } from 'croner';

export interface Timing {
  readonly cron: string;
  readonly timeZone: string;
}

/** The first time after this one; undefined for an expression that never comes true. Throws for one that cannot be read. */
export function nextAfter({ cron, timeZone }: Timing, after: Date): Date | undefined {
  return new Cron(cron, { mode: '5-part', timezone: timeZone, paused: true }).nextRun(after) ?? undefined;
}

/** What is wrong with when it is to run; undefined: nothing. */
export function wrongOf(timing: Timing, now: Date): { readonly pointer: string; readonly message: string } | undefined {
  if (!isTimeZone(timing.timeZone)) return { pointer: '/timeZone', message: 'must be a time zone that is known here' };
  try {
    if (nextAfter(timing, now) !== undefined) return undefined;
  } catch {
    // Its words repeat what was given.
    return { pointer: '/cron', message: 'must be a cron expression of five fields' };
  }
  return { pointer: '/cron', message: 'must come true some day' };
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** What becomes of a run that is due. */
export type Turn = 'begin' | 'skip' | 'wait';

/** Another run while the one before is not over. */
export function turnOf(overlap: 'skip' | 'queue' | 'allow', earlierLives: boolean): Turn {
  if (!earlierLives || overlap === 'allow') return 'begin';
  return overlap === 'skip' ? 'skip' : 'wait';
}

/** Refusals that time does not mend: the schedule is stopped until a person has seen to it. */
export const lasting: ReadonlySet<string> = new Set(['permission-denied', 'reference-not-found', 'validation-failed']);
