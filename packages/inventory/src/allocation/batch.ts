import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { inOperation, toCreate, toRelease, toReplace, type Operation } from './operation.js';
import { perform } from './perform.js';

/**
 * Creates, replaces and gives back for several holders, all or nothing: what one leaves another can take in the same moment.
 * @throws Problem what the operations refuse with, with operationIndex
 */
export async function batchAllocations(
  deps: Deps,
  caller: Caller,
  command: Command<'allocation', 'batch'>,
): Promise<Result<'allocation', 'batch'>> {
  await bringForward(deps, caller.scopes);
  const operations: Operation[] = [];
  for (const [index, each] of command.operations.entries())
    operations.push(
      await inOperation(index, async () => {
        if (each.op === 'create')
          return toCreate(deps, caller, { ...each, version: 0, ...(command.hold === true ? { hold: true } : {}) });
        if (command.hold === true) throw notHeld(index);
        if (command.operations.findIndex((other) => other.op !== 'create' && other.id === each.id) < index)
          throw problem('validation-failed', {
            errors: [{ pointer: `/operations/${index}/id`, code: 'duplicate', message: 'is named twice' }],
          });
        return each.op === 'replace' ? toReplace(deps, caller, each) : toRelease(each);
      }),
    );
  return perform(deps, caller, operations);
}

/** What is given back or replaced for a minute would have to come back by itself. */
const notHeld = (index: number) =>
  problem('validation-failed', {
    errors: [{ pointer: `/operations/${index}/op`, code: 'unsupported', message: 'must be create where it is held' }],
  });
