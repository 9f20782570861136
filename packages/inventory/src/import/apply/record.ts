import type { Caller } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { schemaName } from '../../change.js';
import { feedEvent } from '../../events.js';
import type { ResourceType } from '../change-set.js';
import { listShown, type Shown } from './shown.js';
import { tables } from './tables.js';
import type { Written } from './write.js';

/** Feed rows a statement; what is read for one is forgotten before the next. */
const chunkRows = 500;

/** Writes one feed row a change, after all of them: public event and audit part are the resource as the contract shows it. */
export async function recordAll(tx: Tx, caller: Caller, changes: readonly Written[]): Promise<void> {
  for (let at = 0; at < changes.length; at += chunkRows) {
    const chunk = changes.slice(at, at + chunkRows);
    const after = await shownAfter(tx, chunk);
    const rows = chunk.map(({ type, id, version, happened, ...change }) => {
      const before = change.before === undefined ? undefined : (JSON.parse(change.before) as Shown);
      return feedEvent(caller, {
        what: tables[type].events[happened],
        id,
        version,
        before: before ?? null,
        after: nameKept(after.get(id), happened === 'ended' ? before : undefined),
      });
    });
    await record(tx, schemaName, rows);
  }
}

async function shownAfter(tx: Tx, changes: readonly Written[]): Promise<ReadonlyMap<string, Shown>> {
  const ids = new Map<ResourceType, string[]>();
  for (const { type, id } of changes) ids.set(type, [...(ids.get(type) ?? []), id]);
  const shown: [string, Shown][] = [];
  for (const [type, list] of ids) shown.push(...(await listShown(tx, type, list)));
  return new Map(shown);
}

/** What ends gives its keys back; who knew it by them must still be told what ended. */
function nameKept(after: Shown | undefined, ended: Shown | undefined): Shown {
  if (after === undefined) throw new Error('a resource that was written is not there');
  return ended === undefined ? after : { ...after, externalIds: ended.externalIds };
}
