import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { overloaded } from '@sentral/kernel/errors';
import type { Deps } from '../deps.js';
import { performGroup, type Member } from './group.js';
import { releaseGroup, type Leaving } from './release-group.js';

/**
 * Where requests for the same things meet: a hot pool would commit one of them after the other, and more clients would make it
 * slower. What waits while a lane is busy shares its next transaction, and nobody waits for more to come.
 */
export interface Lanes {
  /** @throws Problem what allocation.reserve refuses with | overloaded: too many wait */
  admit(member: Member): Promise<Allocation>;
  /** @throws Problem what allocation.release refuses with | overloaded: too many wait */
  release(member: Leaving): Promise<Allocation>;
}

/** Few: each keeps a connection busy, and others need some of the pool. As many for those who take as for those who give back. */
const lanesOfProcess = 4;
const groupMax = 64;
/** In one lane; more are told to come again. A guess, not measured. */
const waitingMax = 512;

interface Waiting<M> {
  readonly member: M;
  /** What no two of a group share. */
  readonly names: readonly string[];
  resolve(answer: Promise<Allocation>): void;
  reject(error: unknown): void;
}

export function createLanes(deps: Deps): Lanes {
  const taking = openLanes(namesOf, (members: readonly Member[]) => performGroup(deps, members));
  const leaving = openLanes(namesOfLeaving, (members: readonly Leaving[]) => releaseGroup(deps, members));
  return {
    admit: (member) =>
      taking(
        member,
        member.operation.wanted.map((item) => item.providerId),
      ),
    release: (member) =>
      leaving(
        member,
        member.keys.map(({ nodeId }) => nodeId),
      ),
  };
}

type Admit<M> = (member: M, things: readonly string[]) => Promise<Allocation>;

function openLanes<M>(
  names: (member: M) => readonly string[],
  perform: (members: readonly M[]) => Promise<readonly Promise<Allocation>[]>,
): Admit<M> {
  const lanes = Array.from({ length: lanesOfProcess }, () => openLane(names, perform));
  return (member, things) => (lanes[laneOf(things)] as (member: M) => Promise<Allocation>)(member);
}

/** By the smallest of the things, so that who wants one of two hot pools and who wants both may still meet. */
function laneOf(things: readonly string[]): number {
  const smallest = things.reduce((a, b) => (a < b ? a : b));
  // The end of an id is random, its beginning is a time.
  return Number.parseInt(smallest.slice(-4), 16) % lanesOfProcess;
}

function openLane<M>(
  names: (member: M) => readonly string[],
  perform: (members: readonly M[]) => Promise<readonly Promise<Allocation>[]>,
): (member: M) => Promise<Allocation> {
  const waiting: Waiting<M>[] = [];
  let busy = false;

  async function flush(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const group = nextGroup(waiting);
      try {
        const answers = await perform(group.map(({ member }) => member));
        for (const [at, { resolve }] of group.entries()) resolve(answers[at] as Promise<Allocation>);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    busy = false;
  }

  return (member) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= waitingMax) return reject(overloaded());
      waiting.push({ member, names: names(member), resolve, reject });
      if (!busy) void flush();
    });
}

/**
 * Takes out the next to be decided together, in the order in which they came. Who repeats the key, the consumer or the request of
 * another waits for its outcome: locks of one transaction would let both through.
 */
function nextGroup<M>(waiting: Waiting<M>[]): readonly Waiting<M>[] {
  const taken = new Set<string>();
  const group: Waiting<M>[] = [];
  const rest: Waiting<M>[] = [];
  for (const each of waiting) {
    if (group.length < groupMax && each.names.every((name) => !taken.has(name))) group.push(each);
    else rest.push(each);
    for (const name of each.names) taken.add(name);
  }
  waiting.splice(0, waiting.length, ...rest);
  return group;
}

const keyOf = ({ idempotency: key }: Caller): readonly string[] =>
  key === undefined ? [] : [JSON.stringify(['key', key.scope, key.key])];

function namesOf({ caller, operation }: Member): readonly string[] {
  const { environmentId, consumer } = operation.command;
  return [
    ...keyOf(caller),
    JSON.stringify(['consumer', environmentId, consumer.service, consumer.kind, consumer.id]),
    JSON.stringify(['request', environmentId, operation.requestId]),
  ];
}

const namesOfLeaving = ({ caller, operation }: Leaving): readonly string[] => [
  ...keyOf(caller),
  JSON.stringify(['allocation', operation.id]),
];
