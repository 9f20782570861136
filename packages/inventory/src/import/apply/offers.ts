// What nodes have to give, as lines of an import say it. The counters are locked before anything of the set is, by node and class, as
// takers lock them; what is used of a class keeps it.
import type { CapacityInput } from '@sentral/contracts/inventory/capacity';
import { problem } from '@sentral/contracts/problem';
import { json, type Tx } from '@sentral/kernel/database';
import { capOf, offerFault } from '../../capacity/rules.js';
import { refusal, type Known, type Planned, type Refusal, type Surroundings } from './plan.js';

/** What is wrong with an offer by itself, or undefined. */
export function offersFault(offers: readonly CapacityInput[], classes: ReadonlySet<string>): string | undefined {
  for (const [at, offer] of offers.entries()) {
    const name = `capacities.${at}`;
    if (!classes.has(offer.class)) return `${name}.class: there is no resource class ${offer.class}`;
    if (offers.findIndex((other) => other.class === offer.class) < at)
      return `${name}.class: ${offer.class} is named twice`;
    const fault = offerFault(offer);
    if (fault !== undefined) return `${name}.${fault.field}: ${fault.message}`;
  }
  return undefined;
}

/** A class of which something is used or booked cannot be left out. */
export function offersInUse(
  { resource, known }: { readonly resource: Planned['resource']; readonly known: Known | undefined },
  { usedClasses }: Pick<Surroundings, 'usedClasses'>,
): Refusal | undefined {
  if (resource.type !== 'node' || resource.capacities === undefined || known === undefined) return undefined;
  const { capacities } = resource;
  const gone = usedClasses.get(known.id)?.find((used) => !capacities.some((offer) => offer.class === used));
  return gone === undefined ? undefined : refusal('has-dependents', `${gone} of it is in use`);
}

const chunkRows = 1000;

interface OfferRow extends Omit<CapacityInput, 'class'> {
  readonly node_id: string;
  readonly class: string;
}

function offersOf(rows: readonly Planned[]): { ids: string[]; offers: OfferRow[] } {
  const saying = rows.flatMap(({ id, resource }) =>
    resource.type === 'node' && resource.capacities !== undefined ? [{ id, capacities: resource.capacities }] : [],
  );
  return {
    ids: saying.map(({ id }) => id),
    offers: saying.flatMap(({ id, capacities }) => capacities.map((offer) => ({ node_id: id, ...offer }))),
  };
}

const offerRecord = `jsonb_to_recordset($1) as d (node_id uuid, class text, total bigint, "heldBack" bigint,
  "overcommitPct" integer, "minUnit" bigint, "maxUnit" bigint, step bigint, cap bigint)`;
const told = 'd.total, d."heldBack", d."overcommitPct", d."minUnit", d."maxUnit", d.step';
const stored = 'c.total, c.held_back, c.overcommit_pct, c.min_unit, c.max_unit, c.step';

/** Nodes of the set that offer something else than it says; their counters are locked until the end. */
export async function lockOffers(tx: Tx, planned: readonly Planned[]): Promise<ReadonlySet<string>> {
  const known = planned.filter((row) => row.known !== undefined);
  const changed: string[] = [];
  for (let at = 0; at < known.length; at += chunkRows) {
    const { ids, offers } = offersOf(known.slice(at, at + chunkRows));
    if (ids.length === 0) continue;
    const rows = await tx.unsafe(
      `select coalesce(d.node_id, c.node_id) as id from ${offerRecord}
       full join (select * from capacity where node_id = any($2::uuid[])) c on c.node_id = d.node_id and c.class = d.class
       where d.class is null or c.class is null or (${told}) is distinct from (${stored})`,
      [json(offers), ids],
    );
    changed.push(...rows.map((row) => String(row['id'])));
  }
  const ids = [...new Set(changed)].toSorted();
  for (let at = 0; at < ids.length; at += chunkRows)
    await tx.unsafe(
      'select 1 as one from capacity where node_id = any($1::uuid[]) order by node_id, class for update',
      [ids.slice(at, at + chunkRows)],
    );
  return new Set(ids);
}

/**
 * Writes what nodes offer from now on, behind `lockOffers`. Less than what is used is no refusal: the overhang is written down.
 * @throws Problem operation-in-progress: a class that goes was taken from since it was judged
 */
export async function writeOffers(tx: Tx, rows: readonly Planned[]): Promise<void> {
  for (let at = 0; at < rows.length; at += chunkRows) {
    const { ids, offers } = offersOf(rows.slice(at, at + chunkRows));
    if (ids.length === 0) continue;
    const given = json(offers.map((offer) => ({ ...offer, cap: capOf(offer) })));
    const gone = await tx.unsafe(
      `with gone as (
         delete from capacity c where c.node_id = any($2::uuid[])
           and not exists (select from ${offerRecord} where d.node_id = c.node_id and d.class = c.class)
         returning c.node_id, c.used + c.booked as used, c.use_version
       ), kept as (
         insert into provider_use as u (provider_id, use_version)
         select node_id, sum(use_version) from gone where use_version > 0 group by node_id order by node_id
         on conflict (provider_id) do update set use_version = u.use_version + excluded.use_version
       ) select used from gone where used > 0`,
      [given, ids],
    );
    if (gone.length > 0) throw problem('operation-in-progress', { resourceType: 'node' }, 'An allocation was quicker.');
    await tx.unsafe(
      `insert into capacity as c (node_id, class, total, held_back, overcommit_pct, min_unit, max_unit, step, cap)
       select d.node_id, d.class, ${told}, d.cap from ${offerRecord}
       on conflict (node_id, class) do update set total = excluded.total, held_back = excluded.held_back,
         overcommit_pct = excluded.overcommit_pct, min_unit = excluded.min_unit, max_unit = excluded.max_unit,
         step = excluded.step, cap = excluded.cap, over_by = greatest(0, c.used - excluded.cap)
       where (${stored}) is distinct from (excluded.total, excluded.held_back, excluded.overcommit_pct,
         excluded.min_unit, excluded.max_unit, excluded.step)`,
      [given],
    );
  }
}
