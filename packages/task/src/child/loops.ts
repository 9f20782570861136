import { encodeId } from '@sentral/contracts/ids';
import type { Bus } from '@sentral/kernel/bus/port';
import { consumeSteps } from '@sentral/kernel/bus/steps';
import { servedSteps } from '@sentral/kernel/bus/operation';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import { byKey } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import type { PlanOf } from '../workflow/workflow.js';
import { childSteps } from './serve.js';
import { listSettled } from './sql.js';

const batch = 100;
/** What a process has left half made, or half revoked, is gone on with after so long. */
const idleSeconds = 20;

/**
 * Makes the children of tasks and tells their ends. A parent and its children are never in one transaction: commands come in
 * from the bus, and answers go out through the outbox as those of every other service.
 */
export function serveChildren(deps: Deps, bus: Bus, planOf: PlanOf): readonly Pick<Loop, 'stop'>[] {
  const { db, telemetry, pulse } = deps;
  const answered = (): void => {
    pulse.beat('outbox');
    pulse.beat('admission');
    pulse.beat('authorization');
  };
  const actions = childSteps(deps, planOf);
  const steps = servedSteps({
    db: db.app,
    schema: schemaName,
    service: schemaName,
    actions,
    answered,
    settings: byKey,
  });
  const report = (reason: string) => telemetry.log('error', reason, { service: schemaName });
  const failed = (error: unknown) =>
    telemetry.log('error', 'the children of a step could not be looked after and will be again', { error });
  const ended = () => Promise.resolve();
  const settling = startLoop(
    async () => {
      const settled = await listSettled(db.app, batch);
      // One that cannot be gone on with keeps no other waiting.
      for (const op of settled) await steps.goOn(encodeId('stp', op)).catch(failed);
    },
    { pollMs: [500, 1_500], failed, ended },
  );
  pulse.on('children', settling.wake);
  const resuming = startLoop(() => steps.resume(idleSeconds), { pollMs: [5_000, 15_000], failed, ended });
  return [consumeSteps(bus, schemaName, { on: steps, report }), settling, resuming];
}
