import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { scopeUuid } from '../projection/sql.js';
import { wireScope } from './now.js';
import { listUseBetween, type Level } from './sql.js';
import { expectVisible } from './visible.js';

const daysMax = 400;

/**
 * Use over time: the integral of what was held of each dimension between two instants, whole and per child. What lies in
 * the future counts as nothing, and what has run out counts until it did, whether or not anyone has swept it.
 * @throws Problem not-found
 */
export async function usageBetween(
  deps: Deps,
  caller: Caller,
  command: Command<'usage', 'between'>,
): Promise<Result<'usage', 'between'>> {
  await expectVisible(deps, caller, command.scopeId);
  const [from, to] = [Date.parse(command.from), Date.parse(command.to)];
  if (!(from < to && to - from <= daysMax * 86_400_000)) {
    throw problem('validation-failed', {
      errors: [{ pointer: '/to', code: 'out_of_bounds', message: `must lie after from, at most ${daysMax} days` }],
    });
  }
  const { rows, until } = await listUseBetween(deps.db.platform, {
    scopeId: scopeUuid(command.scopeId),
    level: levelOf(command.scopeId),
    from: command.from,
    to: command.to,
  });
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

function levelOf(scopeId: string): Level {
  if (scopeId.startsWith('tnt_')) return 'tenant';
  if (scopeId.startsWith('prj_')) return 'project';
  if (scopeId.startsWith('env_')) return 'environment';
  return 'platform';
}
