import type { Implements } from '@sentral/contracts/contract';
import { decodeId, encodeId, parseId, type Prefix } from '@sentral/contracts/ids';
import type { inventory } from '@sentral/contracts/inventory';
import type { PlatformResource } from '@sentral/contracts/inventory/platform-resource';
import { isProblem } from '@sentral/contracts/problem';
import { subjects } from '@sentral/contracts/services/message';
import { observePageSchema } from '@sentral/contracts/services/query';
import type { Bus } from '@sentral/kernel/bus/port';
import * as v from 'valibot';
import { system } from '../change.js';
import type { Deps } from '../deps.js';
import { compare, isInOrder, type Comparison, type Maker, type Observation } from './observed-rules.js';
import type { Page, Pass, Scan } from './runner.js';
import { listMakers } from './sql.js';
import { undoAgain } from './undo-again.js';

/** As much of inventory as this needs: what should be there, and where it is told what is. */
export type Observed = Pick<Implements<typeof inventory>, 'platformResource' | 'finding'>;

type Kind = PlatformResource['kind'];

/** What each service tells of that has a record of its own, and under which ids. */
const observed: readonly { readonly service: string; readonly kind: Kind; readonly prefix: Prefix }[] = [
  { service: 'nett', kind: 'network', prefix: 'net' },
  { service: 'maskin', kind: 'machine', prefix: 'mch' },
  { service: 'plattform', kind: 'cluster', prefix: 'cls' },
  { service: 'objekt', kind: 'bucket', prefix: 'bkt' },
];

const everyMs = 15 * 60_000;
const pageSize = 200;
const patienceMs = 5_000;

/**
 * R2: what services say is there against what inventory says should be, both in the order of their ids and side by side. Inventory
 * counts the sightings and owns the findings; here nothing is ever deleted but by the undo of the task that has left it.
 */
export function observedScans(deps: Deps, bus: Bus, inventory: Observed): readonly Scan[] {
  return observed.map((of) => ({
    name: `observed.${of.service}`,
    everyMs,
    page: (pass: Pass) => observedPage({ deps, bus, inventory, of }, pass),
  }));
}

interface Use {
  readonly deps: Deps;
  readonly bus: Bus;
  readonly inventory: Observed;
  readonly of: (typeof observed)[number];
}

const cursorSchema = v.object({
  /** The service's own, and the last thing of its page; the last resource of inventory that was compared. */
  next: v.optional(v.string()),
  after: v.optional(v.string()),
  at: v.optional(v.string()),
});

/** One that is away is asked again in the next round: the pass stays where it is. */
async function observedPage(use: Use, pass: Pass): Promise<Page> {
  const { deps, of } = use;
  const cursor = v.parse(cursorSchema, JSON.parse(pass.cursor ?? '{}'));
  const { items, nextCursor } = await ask(use, cursor.next);
  if (!isInOrder(items, cursor.after))
    throw new Error(`${of.service} does not tell of its ${of.kind}s in the order of their ids`);
  // On the last page everything that should be there is due.
  const until = nextCursor === undefined ? undefined : items.at(-1)?.resource;
  const intended = await intendedUntil(use, cursor.at, until);
  const makers = await makersOf(deps, items, intended);
  const told: Told[] = [];
  for (const resource of new Set([...items.map((each) => each.resource), ...intended.keys()])) {
    const seen = items.find((each) => each.resource === resource);
    const known = intended.get(resource);
    const maker = seen?.op === undefined ? undefined : makers.get(seen.op);
    told.push({ resource, seen, known, maker, comparison: compare(known, seen, maker) });
  }
  const repaired = await report(use, pass, told);
  if (nextCursor === undefined) {
    await resolveGone(use, pass);
    return { rows: told.length, repaired };
  }
  const at = [...intended.keys()].at(-1) ?? cursor.at;
  return { rows: told.length, repaired, next: JSON.stringify({ next: nextCursor, after: until, at }) };
}

async function ask({ bus, of }: Use, cursor: string | undefined) {
  const question = { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) };
  const answer = await bus.request(subjects.observe(of.service, of.kind), JSON.stringify(question), patienceMs);
  return v.parse(observePageSchema, JSON.parse(answer));
}

/** What should be there up to this id, by the id that the service knows it under. */
async function intendedUntil({ inventory, of }: Use, at: string | undefined, until: string | undefined) {
  const found = new Map<string, PlatformResource>();
  for (let after = at; ;) {
    const { items } = await inventory.platformResource.list(system, {
      kind: of.kind,
      limit: pageSize,
      ...(after === undefined ? {} : { after: encodeId('nod', parseId(after).uuid) }),
    });
    for (const resource of items) {
      const id = encodeId(of.prefix, parseId(resource.id).uuid);
      if (until !== undefined && id > until) return found;
      found.set(id, resource);
      after = id;
    }
    if (items.length < pageSize) return found;
  }
}

/** Who has made what inventory does not know. */
async function makersOf(
  deps: Deps,
  items: readonly Observation[],
  intended: ReadonlyMap<string, unknown>,
): Promise<ReadonlyMap<string, Maker>> {
  const ops = items.flatMap(({ resource, op }) => (op === undefined || intended.has(resource) ? [] : [op]));
  if (ops.length === 0) return new Map();
  const found = await listMakers(
    deps.db.app,
    ops.map((op) => decodeId('stp', op)),
  );
  return new Map(found.map(({ stepId, ...maker }) => [encodeId('stp', stepId), maker]));
}

interface Told {
  readonly resource: string;
  readonly seen: Observation | undefined;
  readonly known: PlatformResource | undefined;
  readonly maker: Maker | undefined;
  readonly comparison: Comparison;
}

/** Tells inventory of a page; what a task has left for the second time is undone once more. */
async function report({ deps, inventory, of }: Use, pass: Pass, all: readonly Told[]): Promise<number> {
  const told = all.filter(({ comparison }) => comparison.is !== 'unclear');
  if (told.length === 0) return 0;
  const { items } = await inventory.finding.report(system, {
    source: of.service,
    sightings: told.map((each) => sightingOf(each, pass)),
  });
  let repaired = 0;
  for (const [at, { seen, maker, comparison }] of told.entries()) {
    const finding = items[at]?.finding;
    const again = finding?.state === 'open' || finding?.state === 'repairing';
    if (comparison.is !== 'different' || comparison.kind !== 'orphan' || finding === undefined || !again) continue;
    // What was abandoned was left there by a person.
    if (seen?.op === undefined || maker === undefined || maker.state === 'abandoned') continue;
    const taskId = encodeId('tsk', maker.taskId);
    if (finding.state === 'open') await quietly(() => inventory.finding.repair(system, { id: finding.id, taskId }));
    if (await undoAgain(deps, { taskId: maker.taskId, stepId: decodeId('stp', seen.op) })) repaired += 1;
  }
  return repaired;
}

function sightingOf({ resource, seen, known, maker, comparison }: Told, { now }: Pass) {
  const about = known === undefined ? {} : aboutOf(known);
  const left = maker === undefined ? {} : { taskId: encodeId('tsk', maker.taskId), stepId: seen?.op };
  const base = {
    resource,
    observedAt: seen?.observedAt ?? now.toISOString(),
    // What is not there has no count of its own: that of its record tells one state of it from the next.
    generation: seen?.generation ?? known?.version ?? 0,
    ...about,
    ...left,
  };
  if (comparison.is !== 'different') return base;
  const { kind, expected, observed: found } = comparison;
  const differences = expected === undefined ? [] : [{ field: '/specHash', expected, observed: found }];
  return { ...base, kind, differences };
}

const aboutOf = ({ id, tenantId, allocationId }: PlatformResource) => ({ nodeId: id, tenantId, allocationId });

/** What was there and should not be, and was not seen in this whole pass, is gone. */
async function resolveGone({ inventory, of }: Use, { startedAt, now }: Pass): Promise<void> {
  for (let cursor: string | undefined; ;) {
    const page = await inventory.finding.list(system, {
      source: of.service,
      kind: ['foreign', 'orphan'],
      limit: pageSize,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const gone = page.items.filter(({ lastSeenAt }) => new Date(lastSeenAt) < startedAt);
    if (gone.length > 0)
      await inventory.finding.report(system, {
        source: of.service,
        sightings: gone.map(({ resource, generation, tenantId }) => ({
          resource,
          generation,
          observedAt: now.toISOString(),
          ...(tenantId === undefined ? {} : { tenantId }),
        })),
      });
    if (page.nextCursor === undefined) return;
    cursor = page.nextCursor;
  }
}

async function quietly(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isProblem(error)) throw error;
  }
}
