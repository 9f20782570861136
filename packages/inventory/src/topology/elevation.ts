import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toSummary } from '../node/row.js';
import { rackTotals, veiled } from '../rack/rules.js';
import { readDb, sightOf } from '../reading.js';
import { startOfWalk } from './found.js';
import { findRackElevation, type ClaimRow } from './sql.js';

/**
 * A rack, half unit by half unit, both faces.
 * @throws Problem not-found, topology-violation
 */
export async function elevationOfRack(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'elevation'>,
): Promise<Result<'node', 'elevation'>> {
  const db = readDb(deps, caller);
  const sight = sightOf(caller);
  const start = await startOfWalk(db, sight, command.id);
  const found = await findRackElevation(db, sight, start.id);
  if (found === undefined)
    throw problem('topology-violation', { rule: 'only_a_rack_has_an_elevation', kind: start.kind });
  return {
    rackId: encodeId('nod', start.id),
    ...found.rack,
    claims: veiled(found.claims).map(toClaim),
    unpositioned: found.loose.map(toSummary),
    ...rackTotals(found.rack.heightHalfUnits, found.claims),
  };
}

function toClaim({ layer, face, startHalfUnit, heightHalfUnits, nodeId, kind, name, purpose }: ClaimRow) {
  return {
    layer,
    face,
    startHalfUnit,
    heightHalfUnits,
    ...(nodeId === null || kind === null ? {} : { node: toSummary({ id: nodeId, kind, name }) }),
    ...(purpose === null ? {} : { purpose }),
  };
}
