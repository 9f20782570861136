import { encodeId } from '@sentral/contracts/ids';
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { liesIn } from '../allocation/policy.js';
import { listPlaces } from '../allocation/policy-sql.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { scopeUuid } from '@sentral/kernel/scopes/view';
import { levelOf } from '../usage/sql.js';
import { listTried, type TriedRow } from './sql.js';

type Trial = Result<'policyTrial', 'list'>;

const shownMax = 100;
const examinedMax = 10_000;

/**
 * What exists now in a scope that these policy values would have refused, had they held when it was made.
 * @throws Problem permission-denied
 */
export async function listPolicyTrial(
  deps: Deps,
  caller: Caller,
  command: Command<'policyTrial', 'list'>,
): Promise<Trial> {
  if (!('all' in caller.readScope))
    throw problem('permission-denied', { missingPermission: 'inventory.policyTrial.read' });
  const { scopeId } = command;
  const of = { level: levelOf(scopeId), id: scopeUuid(scopeId), limit: examinedMax + 1 };
  const found = await listTried(deps.db.platform, of);
  const rows = found.slice(0, examinedMax);
  const nodeIds = [...new Set(rows.flatMap((row) => row.nodeIds))];
  const known = nodeIds.length === 0 ? [] : await listPlaces(deps.db.platform, nodeIds);
  const places = new Map(known.map(({ nodeId, ancestors }) => [nodeId, ancestors]));
  const items = rows.flatMap((row) => refusalsOf(row, command.values, places));
  return {
    examined: rows.length,
    ...(found.length > examinedMax ? { cut: true } : {}),
    refused: new Set(items.map((item) => item.resourceId)).size,
    items: items.slice(0, shownMax),
  };
}

function refusalsOf(
  row: TriedRow,
  values: Command<'policyTrial', 'list'>['values'],
  places: ReadonlyMap<string, readonly string[]>,
): Trial['items'] {
  const refused: [string, string][] = [];
  const allowed = values['inventory.allowedLocations'] ?? null;
  if (row.nodeIds.some((id) => !liesIn(places.get(id) ?? [id], allowed)))
    refused.push(['inventory.allowedLocations', 'it holds a node outside the allowed locations']);
  const max = values['inventory.leaseSecondsMax'] ?? null;
  if (max !== null && (row.leaseSeconds ?? Infinity) > max)
    refused.push(['inventory.leaseSecondsMax', row.leaseSeconds === null ? 'it has no end' : 'its lease is longer']);
  const missing = (values['inventory.requiredLabels'] ?? []).filter((key) => !(key in row.labels));
  if (missing.length > 0) refused.push(['inventory.requiredLabels', `it lacks ${missing.join(', ')}`]);
  return refused.map(([key, detail]) => ({
    resourceType: 'allocation',
    resourceId: encodeId('alc', row.id),
    key,
    detail,
  }));
}
