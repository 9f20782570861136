import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
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
import { listPlaces, needsOf, walking, type PlaceRow } from './sql.js';
import { waterfallOf } from './waterfall.js';

type Found = Result<'placement', 'candidates'>;

/**
 * Where things could be placed, now or in a window, of what the caller sees and the environment may be given; nothing is taken.
 * @throws Problem reference-not-found | validation-failed | unsupported-filter | scope-not-active
 */
export async function findCandidates(
  deps: Deps,
  caller: Caller,
  command: Command<'placement', 'candidates'>,
): Promise<Found> {
  await bringForward(deps, caller.scopes);
  // Who holds what decides, whosever it is; what is answered stays behind the caller's sight.
  const { search, found } = await inTransaction(deps.db.platform, (tx) => find(tx, caller, command), {
    settings: walking,
  });
  const few = found.candidates.length < Math.min(search.ask.count, command.limit) || found.candidates.length === 0;
  return { ...found, ...(command.explain || few ? { waterfall: await waterfallOf(deps.db.platform, search) } : {}) };
}

async function find(tx: Tx, caller: Caller, command: Command<'placement', 'candidates'>) {
  const { environmentId, limit, explain: _, startsAt, endsAt, ...asked } = command;
  const ask = readAsk(asked, '');
  const scopeId = decodeId('env', environmentId);
  const path = await listScopePath(tx, scopeId);
  const { tenantId } = scopeOf(caller, path, scopeId);
  const sight = seenGivingSight(caller, tenantId);
  const [allowed] = await Promise.all([
    allowedPlaces(tx, path),
    expectReferences(tx, { asked, at: '', caller, sight }),
  ]);
  const window = readWindow({ startsAt, endsAt });
  const search: Search = {
    ask,
    sight,
    allowed,
    pending: nothingPending,
    ...(window === undefined ? {} : { window: expectWindow(judgeWindow(window, await findNow(tx))) }),
  };
  const rows = await listPlaces(tx, search, limit);
  const domains = rows.flatMap(({ domain }) => domain ?? []);
  const [seen, providers] = await Promise.all([
    seenIds(tx, sightOf(caller), { noun: 'node', ids: [...new Set(domains)] }),
    listProviders(tx, sightOf(caller), [...new Set(rows.flatMap(({ takers }) => takers))]),
  ]);
  const candidates = rows.map((row) => ({
    hostId: encodeId('nod', row.host),
    ...(row.domain !== null && seen.has(row.domain) ? { domainId: encodeId('nod', row.domain) } : {}),
    items: itemsOf(ask, row),
  }));
  return { search, found: { candidates, providers: [...providers] } };
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
