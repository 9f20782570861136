import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { overloaded } from '@sentral/kernel/errors';
import type { Deps } from '../deps.js';
import { performGroup, type Member } from './group.js';

/**
 * Where requests for the same things meet: a hot pool would commit one of them after the other, and more clients would make it
 * slower. What waits while a lane is busy shares its next transaction, and nobody waits for more to come.
 */
export interface Lanes {
  /** @throws Problem what allocation.reserve refuses with | overloaded: too many wait */
  admit(member: Member): Promise<Allocation>;
}

/** Few: each keeps a connection busy, and others need some of the pool. */
const lanesOfProcess = 4;
const groupMax = 64;
/** In one lane; more are told to come again. A guess, not measured. */
const waitingMax = 512;

interface Waiting {
  readonly member: Member;
  /** What no two of a group share. */
  readonly names: readonly string[];
  resolve(answer: Promise<Allocation>): void;
  reject(error: unknown): void;
}

export function createLanes(deps: Deps): Lanes {
  const lanes = Array.from({ length: lanesOfProcess }, () => openLane(deps));
  return { admit: (member) => (lanes[laneOf(member)] as Lanes).admit(member) };
}

/** By the smallest of the things, so that who wants one of two hot pools and who wants both may still meet. */
function laneOf({ operation }: Member): number {
  const smallest = operation.wanted.map((item) => item.providerId).reduce((a, b) => (a < b ? a : b));
  // The end of an id is random, its beginning is a time.
  return Number.parseInt(smallest.slice(-4), 16) % lanesOfProcess;
}

function openLane(deps: Deps): Lanes {
  const waiting: Waiting[] = [];
  let busy = false;

  async function flush(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const group = nextGroup(waiting);
      try {
        const answers = await performGroup(
          deps,
          group.map(({ member }) => member),
        );
        for (const [at, { resolve }] of group.entries()) resolve(answers[at] as Promise<Allocation>);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    busy = false;
  }

  return {
    admit: (member) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= waitingMax) return reject(overloaded());
        waiting.push({ member, names: namesOf(member), resolve, reject });
        if (!busy) void flush();
      }),
  };
}

/**
 * Takes out the next to be decided together, in the order in which they came. Who repeats the key, the consumer or the request of
 * another waits for its outcome: locks of one transaction would let both through.
 */
function nextGroup(waiting: Waiting[]): readonly Waiting[] {
  const taken = new Set<string>();
  const group: Waiting[] = [];
  const rest: Waiting[] = [];
  for (const each of waiting) {
    if (group.length < groupMax && each.names.every((name) => !taken.has(name))) group.push(each);
    else rest.push(each);
    for (const name of each.names) taken.add(name);
  }
  waiting.splice(0, waiting.length, ...rest);
  return group;
}

function namesOf({ caller, operation }: Member): readonly string[] {
  const { environmentId, consumer } = operation.command;
  const key = caller.idempotency;
  return [
    ...(key === undefined ? [] : [JSON.stringify(['key', key.scope, key.key])]),
    JSON.stringify(['consumer', environmentId, consumer.service, consumer.kind, consumer.id]),
    JSON.stringify(['request', environmentId, operation.requestId]),
  ];
}
