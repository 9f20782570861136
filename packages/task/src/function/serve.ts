import { actions } from '@sentral/contracts/services/registry';
import type { Bus } from '@sentral/kernel/bus/port';
import { servedSteps, type ServedAction } from '@sentral/kernel/bus/operation';
import { consumeSteps } from '@sentral/kernel/bus/steps';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import type { InferInput, InferOutput } from 'valibot';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';

const service = 'sentral';
type Served = typeof actions.sentral;

/**
 * What steps may have computed of what others have answered. Pure: given the same it answers the same, and does nothing else; what
 * it throws as a Problem fails the step.
 */
export type Functions = {
  readonly [A in Exclude<keyof Served, 'answer.forget'>]: (
    input: InferOutput<Served[A]['input']>,
  ) => InferInput<Served[A]['output']>;
};

/** Nothing is changed by a function but its answer on record, which ends with the operation: there is nothing more to take back. */
export function functionSteps(functions: Functions): Readonly<Record<string, ServedAction>> {
  const { 'answer.forget': forget, ...computing } = actions.sentral;
  const computed = Object.entries(computing).map(([name, def]) => {
    const compute = functions[name as keyof Functions];
    return [name, { ...def, run: async (_: unknown, __: unknown, input: never) => compute(input) }] as const;
  });
  return { ...Object.fromEntries(computed), 'answer.forget': { ...forget, takeBack: async () => true } };
}

/** The service `sentral`: under the rules of every other service, with its operations beside those of task. */
export function serveFunctions(deps: Deps, bus: Bus, functions: Functions): readonly Pick<Loop, 'stop'>[] {
  const { db, telemetry, pulse } = deps;
  const steps = servedSteps({
    db: db.app,
    schema: schemaName,
    service,
    actions: functionSteps(functions),
    answered: () => pulse.beat('outbox'),
  });
  const report = (reason: string) => telemetry.log('error', reason, { service });
  const failed = (error: unknown) =>
    telemetry.log('error', 'a function could not be gone on with and will be again', { error });
  const resuming = startLoop(() => steps.resume(), { pollMs: [2_000, 4_000], failed, ended: () => Promise.resolve() });
  return [consumeSteps(bus, service, { on: steps, report }), resuming];
}
