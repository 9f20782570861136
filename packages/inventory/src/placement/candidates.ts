import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { allowedPlaces } from '../allocation/policy.js';
import { scopeOf } from '../allocation/part.js';
import { findNow } from '../allocation/policy-sql.js';
import { expectWindow, judgeWindow, readWindow } from '../allocation/window.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { listScopePath } from '../projection/sql.js';
import { seenGivingSight, seenIds, sightOf } from '../reading.js';
import { readAsk, type Ask } from './ask.js';
import { nothingPending, type Search } from './host-sql.js';
import { listProviders } from './provider-sql.js';
import { expectReferences } from './refer.js';
import { listPlaces, needsOf, type PlaceRow } from './sql.js';
import { waterfallOf } from './waterfall.js';

type Found = Result<'placement', 'candidates'>;

/**
 * Where things could be placed, now or in a window, of what the caller sees and the environment may be given; nothing is taken.
 * @throws Problem reference-not-found | validation-failed | unsupported-filter | scope-not-active
 */
export async function findCandidates(
  deps: Deps,
  caller: Caller,
  { environmentId, limit, explain, startsAt, endsAt, ...asked }: Command<'placement', 'candidates'>,
): Promise<Found> {
  const ask = readAsk(asked, '');
  await bringForward(deps, caller.scopes);
  // Who holds what decides, whosever it is; what is answered stays behind the caller's sight.
  const db = deps.db.platform;
  const scopeId = decodeId('env', environmentId);
  const path = await listScopePath(db, scopeId);
  const { tenantId } = scopeOf(caller, path, scopeId);
  const sight = seenGivingSight(caller, tenantId);
  await expectReferences(db, { asked, at: '', caller, sight });
  const window = readWindow({ startsAt, endsAt });
  const search: Search = {
    ask,
    sight,
    allowed: await allowedPlaces(db, path),
    pending: nothingPending,
    ...(window === undefined ? {} : { window: expectWindow(judgeWindow(window, await findNow(db))) }),
  };
  const rows = await listPlaces(db, search, limit);
  const domains = rows.flatMap(({ domain }) => domain ?? []);
  const seen = await seenIds(db, sightOf(caller), { noun: 'node', ids: [...new Set(domains)] });
  const candidates = rows.map((row) => ({
    hostId: encodeId('nod', row.host),
    ...(row.domain !== null && seen.has(row.domain) ? { domainId: encodeId('nod', row.domain) } : {}),
    items: itemsOf(ask, row),
  }));
  const few = rows.length < Math.min(ask.count, limit) || rows.length === 0;
  return {
    candidates,
    providers: [...(await listProviders(db, sightOf(caller), [...new Set(rows.flatMap(({ takers }) => takers))]))],
    ...(explain || few ? { waterfall: await waterfallOf(db, search) } : {}),
  };
}

/** A place as an allocation asks for it. */
function itemsOf(ask: Ask, { takers }: PlaceRow): Found['candidates'][number]['items'] {
  const nodes = takers.map((id) => encodeId('nod', id));
  if (ask.kind !== undefined) return nodes.map((nodeId) => ({ what: 'node', nodeId }));
  const groups = ask.units.flatMap(({ name, needs }) => needs.map(() => name));
  return needsOf(ask.units).map((need, n) => ({
    what: 'capacity',
    nodeId: nodes[n] as (typeof nodes)[number],
    ...need,
    ...(groups[n] === undefined ? {} : { group: groups[n] }),
  }));
}
