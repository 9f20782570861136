import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { findingsOpenMax, type Finding, type sightedSchema } from '@sentral/contracts/inventory/finding';
import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import type { Tx } from '@sentral/kernel/database';
import type { InferOutput } from 'valibot';
import { recordChanges, type Change } from '../events.js';
import { scopeOf, toFinding, type FindingRow } from './resource.js';
import { stepOf, type Sighted, type Standing, type Step } from './rules.js';
import {
  amendFindings,
  countSightings,
  countStanding,
  insertFindings,
  listFindingsById,
  lockStanding,
  resolveFindings,
  type NewFinding,
} from './sql.js';

/** What was seen of a thing, and what of it a finding would name. */
export type Sighting = Sighted &
  Omit<NewFinding, 'state' | 'kind' | 'generation' | 'differences' | 'firstSeenAt' | 'source'>;

export type Settled = InferOutput<typeof sightedSchema>;

/** Moves the findings of one source by what it saw, each thing once; the turn of the source is had. The answer is in the order given. */
export async function settle(
  tx: Tx,
  caller: Caller,
  { source, sightings }: { readonly source: string; readonly sightings: readonly Sighting[] },
): Promise<readonly Settled[]> {
  const rows = await lockStanding(
    tx,
    source,
    sightings.map(({ resource }) => resource),
  );
  const standing = new Map(rows.map((row) => [row.resource, row]));
  const steps = sightings.map((seen) => {
    const row = standing.get(seen.resource);
    return { seen, row, step: stepOf(row as (FindingRow & Standing) | undefined, seen) };
  });
  const begun = steps.filter(({ row, step }) => row === undefined && step.do === 'change');
  const room = begun.length === 0 ? 0 : findingsOpenMax - (await countStanding(tx, source, findingsOpenMax));
  const dropped = new Set(begun.slice(Math.max(0, room)).map(({ seen }) => seen.resource));
  const kept = steps.filter(({ seen }) => !dropped.has(seen.resource));
  await write(tx, source, kept);
  const after = new Map((await listFindingsById(tx, kept.flatMap(idOf))).map((row) => [row.id, row]));
  const changes = kept.flatMap((each) => changeOf(each, after.get(each.row?.id ?? each.seen.id)));
  await recordChanges(tx, caller, changes);
  return steps.map(({ seen, row }) => {
    if (dropped.has(seen.resource)) return { dropped: true };
    const found = after.get(row?.id ?? seen.id);
    return found === undefined ? {} : { finding: summaryOf(found) };
  });
}

interface Stepped {
  readonly seen: Sighting;
  readonly row: FindingRow | undefined;
  readonly step: Step;
}

/** The finding that a sighting is about, if there is one now. */
const idOf = ({ seen, row, step }: Stepped): string[] =>
  row === undefined ? (step.do === 'change' ? [seen.id] : []) : [row.id];

async function write(tx: Tx, source: string, steps: readonly Stepped[]): Promise<void> {
  const made: NewFinding[] = [];
  const amended: Parameters<typeof amendFindings>[1][number][] = [];
  const seenAgain: Parameters<typeof countSightings>[1][number][] = [];
  const resolved: Parameters<typeof resolveFindings>[1][number][] = [];
  for (const { seen, row, step } of steps) {
    const { verdict: _, looksAt: __, observedAt, ...about } = seen;
    const findingId = row?.id ?? seen.id;
    if (step.do === 'resolve') resolved.push({ id: findingId, resolution: step.because });
    if (step.do === 'change' && row === undefined) made.push({ ...about, source, ...step.to });
    if (step.do === 'change' && row !== undefined) amended.push({ id: row.id, ...step.to });
    if (step.do === 'change' || step.do === 'count')
      seenAgain.push({ findingId, observedAt, restart: step.do === 'change' && step.restart });
  }
  await insertFindings(tx, made);
  await amendFindings(tx, amended);
  await resolveFindings(tx, resolved);
  await countSightings(tx, seenAgain);
}

function changeOf({ row, step }: Stepped, after: FindingRow | undefined): Change[] {
  if (after === undefined || step.do === 'nothing' || step.do === 'count') return [];
  const what = eventOf(row?.state, after.state);
  const before = row === undefined ? null : toFinding(row);
  return [{ what, id: after.id, version: after.version, before, after: toFinding(after), ...scopeOf(after) }];
}

function eventOf(before: Finding['state'] | undefined, after: Finding['state']): InventoryEventName {
  if (after === 'resolved') return 'finding.resolved';
  if (before === after) return 'finding.amended';
  return after === 'open' ? 'finding.opened' : 'finding.suspected';
}

const summaryOf = ({ id, version, kind, state }: FindingRow) => ({ id: encodeId('fnd', id), version, kind, state });
