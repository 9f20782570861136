import type { Caller } from '@sentral/contracts/contract';
import { isProblem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { toCreate } from './operation.js';
import { performOne } from './perform.js';
import { findNow } from './policy-sql.js';

/** How often the start that a refusal names is tried: what frees one thing may not free the next. */
const triesMax = 16;

/**
 * The earliest start at which all items would be had at once: tried as asked, then at the start that the refusal names, until one
 * is granted. Nothing is taken, and what is told is of this moment.
 * @throws Problem what allocation.reserve refuses with, where no time alone would help
 */
export async function earliestAllocation(
  deps: Deps,
  caller: Caller,
  command: Command<'allocation', 'earliest'>,
): Promise<Result<'allocation', 'earliest'>> {
  await bringForward(deps, caller.scopes);
  const { idempotency: _once, ...rest } = caller;
  const trying: Caller = { ...rest, dryRun: true };
  const consumer = command.consumer ?? { service: 'sentral', kind: 'question', id: deps.newId() };
  const { startsAt, endsAt } = command;
  const now = await findNow(deps.db.platform);
  const lasts =
    endsAt === undefined
      ? undefined
      : Date.parse(endsAt) - (startsAt === undefined ? now.getTime() : Date.parse(startsAt));
  const asked = { ...command, consumer, onExpiry: 'release' as const, labels: {} };
  let at: string | undefined;
  for (let tries = 1; ; tries += 1) {
    const window = at === undefined ? {} : windowFrom(at, lasts);
    try {
      const seen = await performOne(deps, trying, await toCreate(deps, trying, { ...asked, ...window }));
      return {
        startsAt: seen.startsAt,
        ...(seen.endsAt === undefined ? {} : { endsAt: seen.endsAt }),
        asAsked: at === undefined,
      };
    } catch (error) {
      const next = earliestOf(error);
      if (next === undefined || (at !== undefined && next <= at) || tries === triesMax) throw error;
      at = next;
    }
  }
}

const windowFrom = (startsAt: string, lasts: number | undefined) => ({
  startsAt,
  ...(lasts === undefined ? {} : { endsAt: new Date(Date.parse(startsAt) + lasts).toISOString() }),
});

/** The start that a refusal names. */
function earliestOf(error: unknown): string | undefined {
  if (!isProblem(error)) return undefined;
  const explanation = error.facts['explanation'] as { readonly earliestAt?: string } | undefined;
  return explanation?.earliestAt;
}
