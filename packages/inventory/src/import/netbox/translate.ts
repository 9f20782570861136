import { problem } from '@sentral/contracts/problem';
import type { Body, ChangeItem, ImportLimits } from '../change-set.js';
import { addressItems } from './addresses.js';
import { readDump, type Dump } from './dump.js';
import { cableItems, relationItems } from './edges.js';
import { resourceModels } from './fields.js';
import { nodeItems } from './nodes.js';
import { numberItems } from './numbers.js';
import { reservationItems } from './reservations.js';
import { tenantItems } from './tenants.js';
import { openSource, type Source } from './source.js';

/**
 * Translates a NetBox `dumpdata` file (2.10 to 4.2) into a change set that is the whole of its source.
 * Rows of a dump are not in dependency order and point at each other in circles, so all that is kept is read before the first row is given.
 * @throws Problem malformed-request, content-too-large
 */
export async function* translateNetbox(body: Body, limits: ImportLimits): AsyncGenerator<ChangeItem> {
  const dump = await readDump(body, limits.elementBytes);
  refuseWithoutMeaning(dump);
  yield { item: 'head', format: 'netbox', complete: true };
  for (const { key, line, reason } of dump.refused) yield { item: 'rejected', line, key, reason };
  const source = openSource(dump);
  yield* resourceItems(source);
  for (const [model, count] of [...dump.skipped].sort(([a], [b]) => (a < b ? -1 : 1)))
    yield { item: 'skipped', model, count };
}

function* resourceItems(source: Source): Generator<ChangeItem> {
  yield* tenantItems(source);
  const nodeKeys = new Set<string>();
  for (const item of nodeItems(source)) {
    if (item.item === 'row') nodeKeys.add(item.row.externalId);
    yield item;
  }
  yield* reservationItems(source);
  yield* cableItems(source);
  yield* relationItems(source);
  yield* numberItems(source, nodeKeys);
  yield* addressItems(source, nodeKeys);
}

/** A JSON array of something else would delete everything of its source and report success. */
function refuseWithoutMeaning(dump: Dump): void {
  if (resourceModels.some((model) => (dump.rows.get(model)?.size ?? 0) > 0)) return;
  throw problem(
    'malformed-request',
    { position: 0 },
    'The file is JSON but holds no row of NetBox that inventory knows.',
  );
}
