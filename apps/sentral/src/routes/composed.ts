import type { Permission } from '@sentral/contracts/access';
import { isProblem } from '@sentral/contracts/problem';
import type { Asked } from '../http/mount.js';

/** What a composed answer may take; a context that is slower takes its own part along and nothing else. */
export const budgetMs = 1_000;

/** Composes within the budget; what is late learns of it by the signal. */
export async function within<T>(compose: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const budget = new AbortController();
  const timer = setTimeout(() => budget.abort(), budgetMs);
  return compose(budget.signal).finally(() => clearTimeout(timer));
}

type Part<T> = { status: 'ok'; data: T } | { status: 'unavailable' | 'hidden'; reason: string };

/** One part of a composed answer: what its context said, or why there is nothing. */
export async function composed<T>(
  asked: Asked,
  { permission, ask, signal }: { permission: Permission; ask: () => Promise<T>; signal: AbortSignal },
): Promise<Part<T>> {
  if (!asked.access.may(permission)) return { status: 'hidden', reason: `${permission} is missing` };
  const late = { status: 'unavailable', reason: 'no answer within the budget' } as const;
  const overBudget = new Promise<Part<T>>((resolve) =>
    signal.addEventListener('abort', () => resolve(late), { once: true }),
  );
  const answer = ask().then(
    (data): Part<T> => ({ status: 'ok', data }),
    (error: unknown): Part<T> => {
      if (signal.aborted) return late;
      // What it says of itself is for the log of its own process; here it is away.
      return { status: 'unavailable', reason: isProblem(error) ? error.code : 'internal' };
    },
  );
  return Promise.race([answer, overBudget]);
}
