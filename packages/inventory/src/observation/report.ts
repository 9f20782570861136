import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { sourcesMax } from '@sentral/contracts/inventory/observation';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { settle, type Sighting } from '../finding/settle.js';
import { lockSource } from '../finding/sql.js';
import { expectPast, expectWhole } from '../finding/told.js';
import { looksAt, verdictOf } from './rules.js';
import { listSeenNodes, upsertObservations, type NewObservation, type SeenNode } from './sql.js';

type Told = Command<'observation', 'report'>['sightings'][number];
type Taken = Result<'observation', 'report'>['items'][number];

/**
 * Takes in what a source saw of nodes and finds where it differs from what is intended.
 * @throws Problem permission-denied, reference-not-found
 */
export async function reportObservations(
  deps: Deps,
  caller: Caller,
  { source, sightings }: Command<'observation', 'report'>,
): Promise<Result<'observation', 'report'>> {
  expectWhole(caller, 'inventory.observation.create');
  const minted = sightings.map(() => ({ observationId: deps.newId(), findingId: deps.newId() }));
  return inChange(deps, caller, async (tx) => {
    await lockSource(tx, source);
    await expectPast(tx, sightings);
    const named = await namedNodes(tx, source, sightings);
    const each = sightings.map((told, at) => {
      const { observationId = '', findingId = '' } = minted[at] ?? {};
      const node = named[at];
      const observation = node?.observationId ?? observationId;
      return { told, node, outcome: outcomeOf(told, node), observationId: observation, findingId };
    });
    const taken = each.flatMap(({ told, node, outcome, observationId }) =>
      node === undefined || outcome !== 'taken' ? [] : [rowOf(told, { nodeId: node.id, id: observationId })],
    );
    await upsertObservations(tx, source, taken);
    const compared = each.filter(({ outcome }) => outcome === 'taken' || outcome === 'unknown');
    const settled = await settle(tx, caller, {
      source,
      sightings: [
        ...compared.map(({ told, node, findingId }) => sightingOf(told, node, findingId)),
        ...compared.flatMap(({ told, node, findingId }) => foundSince(told, node, findingId)),
      ],
    });
    const findings = new Map(compared.map((it, at) => [it, settled[at]]));
    return {
      items: each.map((it): Taken => ({
        outcome: it.outcome,
        ...(it.outcome === 'taken' ? { observationId: encodeId('obs', it.observationId) } : {}),
        ...(it.node === undefined ? {} : { nodeId: encodeId('nod', it.node.id) }),
        ...findings.get(it),
      })),
    };
  });
}

/** The node of each sighting, in their order; undefined where the source names one that nobody knows. */
async function namedNodes(
  tx: Tx,
  source: string,
  sightings: readonly Told[],
): Promise<readonly (SeenNode | undefined)[]> {
  const ids = sightings.flatMap(({ nodeId }) => (nodeId === undefined ? [] : [decodeId('nod', nodeId)]));
  const externalIds = sightings.flatMap(({ externalId }) => externalId ?? []);
  const nodes = await listSeenNodes(tx, source, { ids, externalIds });
  const byId = new Map(nodes.filter((it) => it.externalId === null).map((it) => [it.id, it]));
  const byKey = new Map(nodes.flatMap((it) => (it.externalId === null ? [] : [[it.externalId, it] as const])));
  const named = sightings.map(({ nodeId, externalId }) =>
    nodeId === undefined ? byKey.get(externalId ?? '') : byId.get(decodeId('nod', nodeId)),
  );
  const missing = sightings.findIndex(({ nodeId }, at) => nodeId !== undefined && named[at] === undefined);
  if (missing >= 0)
    throw problem('reference-not-found', { pointer: `/sightings/${missing}/nodeId`, resourceType: 'node' });
  const twice = named.findIndex((it, at) => it !== undefined && named.findIndex((other) => other?.id === it.id) < at);
  if (twice >= 0)
    throw problem('validation-failed', {
      errors: [{ pointer: `/sightings/${twice}`, code: 'repeated', message: 'names a node that another one names' }],
    });
  return named;
}

function outcomeOf(told: Told, node: SeenNode | undefined): Taken['outcome'] {
  if (node === undefined) return 'unknown';
  if (node.observedAt === null) return node.others < sourcesMax ? 'taken' : 'full';
  return new Date(told.observedAt) > node.observedAt ? 'taken' : 'stale';
}

const rowOf = (told: Told, { nodeId, id }: Pick<NewObservation, 'nodeId' | 'id'>): NewObservation => ({
  id,
  nodeId,
  generation: told.generation,
  state: told.state ?? null,
  attributes: told.attributes ?? null,
  specHash: told.specHash ?? null,
  observedAt: told.observedAt,
});

/** What was foreign by its external id has a node by now. */
function foundSince(told: Told, node: SeenNode | undefined, id: string): Sighting[] {
  if (node === undefined || told.externalId === undefined) return [];
  return [{ ...sightingOf(told, node, id), resource: told.externalId, tenantId: null, verdict: { is: 'as-intended' } }];
}

/** What nobody knows here is foreign, unless it is not there either. */
function sightingOf(told: Told, node: SeenNode | undefined, id: string): Sighting {
  const gone = told.state === 'absent' || told.state === 'retired';
  return {
    id,
    resource: node === undefined ? (told.externalId ?? '') : encodeId('nod', node.id),
    generation: told.generation,
    observedAt: new Date(told.observedAt),
    nodeId: node?.id ?? null,
    tenantId: node?.tenantId ?? null,
    allocationId: null,
    taskId: null,
    stepId: null,
    verdict:
      node !== undefined
        ? verdictOf(node, told)
        : gone
          ? { is: 'as-intended' }
          : { is: 'different', kind: 'foreign', differences: [] },
    looksAt: looksAt(told),
  };
}
