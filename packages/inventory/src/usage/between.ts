import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { scopeUuid } from '@sentral/kernel/scopes/view';
import { wireScope } from './now.js';
import { levelOf, listUseBetween } from './sql.js';
import { expectVisible } from './visible.js';

const daysMax = 400;

/**
 * Use over time: the integral of what was held of each dimension between two instants, whole and per child. What lies in
 * the future counts as nothing, and what has run out counts until it did, whether or not anyone has swept it.
 * @throws Problem not-found, invalid-parameter
 */
export async function usageBetween(
  deps: Deps,
  caller: Caller,
  command: Command<'usage', 'between'>,
): Promise<Result<'usage', 'between'>> {
  await expectVisible(deps, caller, command.scopeId);
  const asked = {
    scopeId: scopeUuid(command.scopeId),
    level: levelOf(command.scopeId),
    from: command.from,
    to: command.to,
  };
  const [from, to] = [Date.parse(command.from), Date.parse(command.to)];
  if (from >= to) throw outOfBounds('to', 'It must lie after from.');
  if (to - from > daysMax * 86_400_000) throw outOfBounds('to', `It must lie at most ${daysMax} days after from.`);
  const { rows, until } = await listUseBetween(deps.db.platform, asked);
  if (until.getTime() < from) throw outOfBounds('from', 'It must not lie in the future.');
  return {
    from: command.from,
    to: until.toISOString(),
    items: rows.map((row) => ({
      scopeId: wireScope(row.kind, row.scopeId),
      dimension: row.dimension,
      unitSeconds: row.unitSeconds,
      heldAtEnd: row.heldAtEnd,
    })),
  };
}

const outOfBounds = (parameter: string, detail: string) => problem('invalid-parameter', { parameter }, detail);
