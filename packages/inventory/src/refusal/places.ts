import type { Caller } from '@sentral/contracts/contract';
import type { Explanation } from '@sentral/contracts/inventory/refusal';
import type { Tx } from '@sentral/kernel/database';
import { givenBackBy } from '../allocation/choose.js';
import { allowedPlaces } from '../allocation/policy.js';
import { nothingPending } from '../placement/host-sql.js';
import { waterfallOf } from '../placement/waterfall.js';
import { seenGivingSight } from '../reading.js';
import type { Move } from './request.js';

type Blocked = Explanation['items'][number];

/** What is described and has no place among the hosts that the caller sees: how many are left after each filter. */
export async function blockedPlaces(tx: Tx, caller: Caller, moves: readonly Move[]): Promise<readonly Blocked[]> {
  const blocked: Blocked[] = [];
  for (const move of moves) {
    const sight = seenGivingSight(caller, move.scope.tenantId);
    for (const { ask, countMin, ordinal } of move.places) {
      const search = {
        ask,
        sight,
        allowed: await allowedPlaces(tx, move.path),
        window: move.window,
        pending: { ...nothingPending, amounts: givenBackBy(move.gone) },
        ...(move.instead === undefined ? {} : { instead: move.instead }),
      };
      const [offered, ...stages] = await waterfallOf(tx, search);
      const needed = countMin * ask.count;
      // With amounts one host may have several places: what is told is whether there is any.
      const enough = ask.kind === undefined ? 1 : needed;
      if (offered === undefined || (stages.at(-1)?.left ?? 0) >= enough) continue;
      blocked.push({
        ...(move.operationIndex === undefined ? {} : { operationIndex: move.operationIndex }),
        item: ordinal,
        needed,
        candidates: offered.left,
        waterfall: stages.map(({ filter, left }) => ({ filter, remaining: left })),
        soleBlockers: stages
          .filter(({ lifted }) => lifted >= enough)
          .map(({ filter, lifted }) => ({ filter, passing: lifted })),
        nearestMisses: [],
      });
    }
  }
  return blocked;
}
