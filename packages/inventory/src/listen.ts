import { scopeRowSchema } from '@sentral/contracts/contract';
import type { Bus, Delivery, Subscription } from '@sentral/kernel/bus/port';
import { once } from '@sentral/kernel/inbox';
import { inTransaction } from '@sentral/kernel/transaction';
import * as v from 'valibot';
import { schemaName } from './change.js';
import type { Deps } from './deps.js';
import { applyScopes } from './projection/sql.js';

const consumer = 'inventory-scopes';

/** What is read of an event of tenancy about a scope; whatever else it says is not ours to judge. */
const scopeEvent = v.object({ data: v.object({ projection: scopeRowSchema }) });

/** Keeps the projection of scopes up by tenancy's events: whole rows, so order and repetition do not matter. */
export function listenToTenancy(deps: Deps, bus: Bus): Subscription {
  return bus.consume(
    {
      stream: 'DV_EVT',
      durable: consumer,
      filter: 'dv.evt.v1.tenancy.scope.*',
      ackWaitMs: 30_000,
      maxDeliver: 10,
      concurrency: 4,
      backoffMs: [200, 1_000, 5_000, 30_000],
    },
    async (message) => {
      await takeIn(deps, message);
      return 'ack';
    },
  );
}

/** Applies one event, once; the newer row of a scope stays, whatever comes when. */
export async function takeIn(deps: Deps, message: Pick<Delivery, 'id' | 'data'>): Promise<void> {
  const event = v.safeParse(scopeEvent, JSON.parse(message.data));
  // The end of a scope, or a shape of another release: the nightly pages have what is missed.
  if (!event.success) return;
  await inTransaction(deps.db.app, async (tx) => {
    if (!(await once(tx, schemaName, { consumer, messageId: message.id }))) return;
    await applyScopes(tx, [event.output.data.projection]);
  });
}
