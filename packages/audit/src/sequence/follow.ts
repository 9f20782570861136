import type { Caller, Implements } from '@sentral/contracts/contract';
import { isProblem } from '@sentral/contracts/problem';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import type { task } from '@sentral/contracts/task';
import type { Lease } from '@sentral/kernel/lease';
import type { Deps } from '../deps.js';
import { appendBatch } from './append.js';
import { findConfirmedPos } from './sql.js';

/** The feed of a context, as its contract offers it. */
export type Feed = Pick<Implements<typeof task>['feed'], 'page'>;

const batchRows = 500;

const sequencer: Caller = {
  principal: { id: 'audit', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

/**
 * Puts what a context has said since on record, batch by batch, until nothing is left or the lease is lost. Where a position is
 * missing it stops for good and says so each time: what follows a gap must not look as if nothing were missing. Answers why it goes no further,
 * where it does not.
 */
export async function followFeed(
  deps: Deps,
  { context, feed, hold }: { context: string; feed: Feed; hold: () => Promise<Lease | undefined> },
): Promise<string | undefined> {
  let afterPos = await findConfirmedPos(deps.db.app, context);
  for (;;) {
    const lease = await hold();
    if (lease === undefined) return undefined;
    const page = await feed.page(sequencer, { afterPos, limit: batchRows }).catch((error: unknown) => {
      if (!isProblem(error, 'position-expired')) throw error;
      return undefined;
    });
    if (page === undefined || !isDense(page.items, afterPos)) {
      deps.telemetry.count('audit_feed_gap');
      deps.telemetry.log('error', 'a feed has a gap: nothing after it goes on record', { context, afterPos });
      return 'positions are missing in the feed: nothing after them goes on record';
    }
    if (page.items.length === 0 || !(await appendBatch(deps, lease, { context, afterPos, items: page.items })))
      return undefined;
    afterPos += page.items.length;
    if (!page.more) return undefined;
  }
}

const isDense = (items: readonly FeedItem[], afterPos: number): boolean =>
  items.every((item, at) => item.pos === afterPos + at + 1);
