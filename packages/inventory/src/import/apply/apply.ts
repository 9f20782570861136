import type { Caller } from '@sentral/contracts/contract';
import { json, type Tx } from '@sentral/kernel/database';
import type { NamedTenant } from '../tenants.js';
import { endFirst, endLast, type Ending } from './end.js';
import { blocked, listHeld } from './held.js';
import { judge, type Judged, type SetToJudge } from './judge.js';
import { listKnown, listRefusedKeys, listStaged, surroundingsOf } from './load.js';
import {
  refusal,
  type BlockParents,
  type Known,
  type Planned,
  type RackShape,
  type Refusal,
  type Staged,
  type Surroundings,
} from './plan.js';
import { recordAll } from './record.js';
import { lockOffers } from './offers.js';
import { amendRows } from './rows-sql.js';
import { listShown } from './shown.js';
import { tables, type Resolve } from './tables.js';
import { lockTenants, type Tenants } from './tenants.js';
import { rackShape } from './values.js';
import { writePlanned, type Written } from './write.js';

export interface ToApply {
  readonly importId: string;
  readonly source: string;
  readonly complete: boolean;
  /** All rows or none. */
  readonly whole: boolean;
  readonly caller: Caller;
  readonly tenants: readonly NamedTenant[];
  readonly newId: () => string;
  readonly progress: (rows: number) => Promise<void>;
}

export interface Outcome {
  readonly line: number;
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'deleted' | 'refused' | 'skipped';
  readonly id: string | undefined;
  readonly problem: Refusal | undefined;
  /** Of the line of a tenant. */
  readonly tenant?: true;
}

export interface Applied {
  readonly outcomes: readonly Outcome[];
  /** Rows that the set did not name and that ended because it is the whole of its source. */
  readonly unnamed: readonly {
    readonly key: string;
    readonly type: string;
    readonly outcome: Outcome['outcome'];
    readonly id: string;
    readonly problem: Refusal | undefined;
  }[];
  /** True when a set that is all or nothing had a refused row: nothing of it may be committed. */
  readonly stopped: boolean;
  /** Ids of what has ended or may have moved, and lay under no lien when it was judged. */
  readonly disturbed: ReadonlySet<string>;
}

/**
 * Applies a staged change set in this transaction, judged at its end state: constraints that two rows of it could only meet together are
 * deferred to the end of it, what goes goes before what comes, and every change has its feed row.
 */
export async function applySet(tx: Tx, set: ToApply): Promise<Applied> {
  await tx.unsafe('set constraints all deferred');
  const tenants = await lockTenants(tx, set.tenants);
  const staged = await listStaged(tx, set.importId);
  const known = await listKnown(tx, set.source);
  const held = await listHeld(tx, known);
  const deletes = staged.filter(({ op }) => op === 'delete');
  const unread = await listRefusedKeys(tx, set.importId);
  const isNamed = naming(staged, unread);
  const wanted = new Set(
    deletes
      .filter(({ key, ifMatch }) => known.has(key) && (ifMatch === undefined || ifMatch === known.get(key)?.version))
      .map(({ key }) => key),
  );
  if (set.complete) for (const key of known.keys()) if (!isNamed(key)) wanted.add(key);
  const isHeld = (key: string): boolean => held.has(known.get(key)?.id ?? '');
  const ends = new Set([...wanted].filter((key) => !isHeld(key)));
  const { verdict, surroundings } = await judged(tx, { staged, known, ends, tenants, held, newId: set.newId });
  const refused = new Map(verdict.refused);
  for (const row of deletes) {
    if (!known.has(row.key)) refused.set(row.line, refusal('reference-not-found', `${row.key} is not there`));
    else if (!wanted.has(row.key))
      refused.set(
        row.line,
        refusal('version-mismatch', `its version is ${known.get(row.key)?.version}, not ${row.ifMatch}`),
      );
  }
  const stays = new Map([...wanted].filter(isHeld).map((key) => [key, blocked]));
  const unfit = unread.length > 0 || [...tenants.values()].some(({ problem }) => problem !== undefined);
  const all = [...wanted].map((key): Ending => ({ key, ...(known.get(key) as Known) }));
  const judgement = { staged, planned: verdict.planned, endings: all, refused, tenants };
  if (set.whole && (refused.size > 0 || stays.size > 0 || unfit)) return stopped(judgement, stays);
  const endings = all.filter(({ key }) => ends.has(key));
  const offered = await lockOffers(tx, verdict.planned);
  const first = await endFirst(tx, set.source, endings);
  const { planned } = verdict;
  const byKey = new Map(planned.map((row) => [row.key, row]));
  const resolve = resolver({ byKey, known, tenants }, verdict.parents, verdict.besides);
  const written = await writePlanned(tx, {
    importId: set.importId,
    source: set.source,
    planned,
    resolve,
    racks: rackShapes(surroundings, planned),
    offered,
    newId: set.newId,
    progress: set.progress,
  });
  const moved = await moveOthers(tx, surroundings, { planned, endings, parents: verdict.parents });
  const last = await endLast(tx, set.source, endings);
  const stayed = new Map([...stays, ...first.refused, ...last.refused]);
  if (set.whole && stayed.size > 0) return stopped(judgement, stayed);
  const changes = [...first.written, ...written, ...moved, ...last.written];
  await recordAll(tx, set.caller, changes);
  return {
    ...outcomesOf(judgement, changes, stayed),
    stopped: false,
    disturbed: new Set(changes.flatMap(({ id, happened }) => (happened === 'made' || held.has(id) ? [] : [id]))),
  };
}

/**
 * Judges the set against what stays as it is around it. A row that is refused stays as it is too, with what it holds: then the rest is
 * judged once more.
 */
async function judged(
  tx: Tx,
  set: Omit<SetToJudge, 'surroundings'>,
): Promise<{ verdict: Judged; surroundings: Surroundings }> {
  const moving = new Set<string>();
  for (const key of [...set.ends, ...set.staged.filter(({ op }) => op === 'upsert').map(({ key }) => key)]) {
    const known = set.known.get(key);
    if (known !== undefined) moving.add(known.id);
  }
  const types = set.staged.some(({ resource }) => resource?.type === 'deviceType');
  for (;;) {
    const surroundings = await surroundingsOf(tx, set.known, { moving, types });
    const verdict = judge({ ...set, surroundings });
    const before = moving.size;
    for (const { line, key } of set.staged) if (verdict.refused.has(line)) moving.delete(set.known.get(key)?.id ?? '');
    if (moving.size === before) return { verdict, surroundings };
  }
}

/** Only what was refused is told of a set that stops, and the tenants, which are there all the same. */
function stopped(judgement: Judgement, stayed: ReadonlyMap<string, Refusal>): Applied {
  const { outcomes, unnamed } = outcomesOf({ ...judgement, planned: [] }, [], stayed);
  return {
    outcomes: outcomes.filter(({ outcome, tenant }) => outcome === 'refused' || tenant === true),
    unnamed: unnamed.filter(({ outcome }) => outcome === 'refused'),
    stopped: true,
    disturbed: new Set(),
  };
}

/** A row that could not be read is named all the same, and so are its parts, which carry its key before the #. */
function naming(staged: readonly Staged[], refusedKeys: readonly string[]): (key: string) => boolean {
  const read = new Set(staged.map(({ key }) => key));
  const unread = new Set(refusedKeys);
  return (key) => {
    const owner = key.split('#')[0] ?? key;
    return read.has(key) || unread.has(key) || (unread.has(owner) && !read.has(owner));
  };
}

function resolver(
  {
    byKey,
    known,
    tenants,
  }: { byKey: ReadonlyMap<string, Planned>; known: ReadonlyMap<string, Known>; tenants: Tenants },
  parents: BlockParents,
  besides: ReadonlySet<string>,
): Resolve {
  return {
    id: (key) => {
      const id = byKey.get(key)?.id ?? known.get(key)?.id;
      if (id === undefined) throw new Error(`${key} was judged and is nowhere`);
      return id;
    },
    tenant: (key) => {
      const tenant = tenants.get(key);
      if (tenant === undefined || tenant.problem !== undefined) throw new Error(`${key} was judged and is no tenant`);
      return tenant.id;
    },
    kindOf: (key) => {
      const resource = byKey.get(key)?.resource;
      return (resource?.type === 'numberDomain' ? resource.kind : known.get(key)?.kind) ?? '';
    },
    parentOf: (id) => parents.get(id) ?? null,
    isBeside: (id) => besides.has(id),
  };
}

function rackShapes(surroundings: Surroundings, planned: readonly Planned[]): ReadonlyMap<string, RackShape> {
  const shapes = new Map(surroundings.racks);
  for (const { key, resource } of planned) {
    const shape = resource.type === 'node' && resource.kind === 'rack' ? rackShape(resource.attributes) : undefined;
    if (shape !== undefined) shapes.set(key, shape);
  }
  return shapes;
}

/** Blocks of other owners that hang under another block now: the same prefix, another parent. */
async function moveOthers(
  tx: Tx,
  { blocks }: Surroundings,
  set: { planned: readonly Planned[]; endings: readonly Ending[]; parents: BlockParents },
): Promise<Written[]> {
  const own = new Set([...set.planned, ...set.endings].map(({ id }) => id));
  const moves = blocks.filter(
    ({ id, parentId }) => !own.has(id) && set.parents.has(id) && (set.parents.get(id)?.id ?? null) !== parentId,
  );
  if (moves.length === 0) return [];
  const was = await tx.sql<{
    id: string;
    row: Record<string, unknown>;
  }>`select id, to_jsonb(b) as row from address_block b where id = any(${moves.map(({ id }) => id)}::uuid[]) order by id for no key update`;
  const table = tables.addressBlock;
  const rows = was.map(({ id, row }) => ({
    ...Object.fromEntries(Object.keys(table.columns).map((column) => [column, row[column]])),
    id,
    parent_id: set.parents.get(id)?.id ?? null,
    parent_cidr: set.parents.get(id)?.cidr ?? null,
  }));
  const ids = rows.map(({ id }) => id);
  const before = await listShown(tx, 'addressBlock', ids);
  const versions = await amendRows(tx, table, rows);
  return versions.map(({ id, version }) => ({
    type: 'addressBlock',
    id: String(id),
    version: Number(version),
    happened: 'changed',
    before: JSON.stringify(before.get(String(id))),
  }));
}

interface Judgement {
  readonly staged: readonly Staged[];
  readonly planned: readonly Planned[];
  readonly endings: readonly Ending[];
  readonly refused: ReadonlyMap<number, Refusal>;
  readonly tenants: Tenants;
}

function outcomesOf(
  { staged, planned, endings, refused, tenants }: Judgement,
  changes: readonly Written[],
  stayed: ReadonlyMap<string, Refusal>,
): Pick<Applied, 'outcomes' | 'unnamed'> {
  const happened = new Map(changes.map((change) => [change.id, change.happened]));
  const outcomes: Outcome[] = [...refused].map(([line, problem]) => ({
    line,
    outcome: 'refused',
    id: undefined,
    problem,
  }));
  // A tenant is its owner's from the beginning: what the source says of it later changes nothing.
  for (const tenant of tenants.values())
    outcomes.push(
      tenant.problem === undefined
        ? {
            line: tenant.line,
            outcome: tenant.created ? 'created' : 'unchanged',
            id: tenant.id,
            problem: undefined,
            tenant: true,
          }
        : { line: tenant.line, outcome: 'refused', id: undefined, problem: tenant.problem, tenant: true },
    );
  for (const { line, id, known } of planned)
    outcomes.push({
      line,
      outcome: known === undefined ? 'created' : happened.has(id) ? 'updated' : 'unchanged',
      id,
      problem: undefined,
    });
  const deletes = new Map(
    staged.filter(({ op, line }) => op === 'delete' && !refused.has(line)).map((row) => [row.key, row.line]),
  );
  const unnamed: Applied['unnamed'][number][] = [];
  for (const { key, id, type } of endings) {
    const line = deletes.get(key);
    const outcome = { outcome: stayed.has(key) ? 'refused' : 'deleted', id, problem: stayed.get(key) } as const;
    if (line === undefined) unnamed.push({ key, type, ...outcome });
    else outcomes.push({ line, ...outcome });
  }
  return { outcomes, unnamed };
}

/** Writes what became of each row, beside it; rows that ended unnamed are added at the end. */
export async function writeOutcomes(tx: Tx, importId: string, applied: Applied): Promise<void> {
  const outcomes = [...applied.outcomes].sort((a, b) => a.line - b.line);
  for (let at = 0; at < outcomes.length; at += 2000) {
    const chunk = outcomes.slice(at, at + 2000);
    // Looked up by line and not joined: the statistics know nothing of an import that has just been staged, and the join that they
    // planned took 7 of 20 s for 87,519 rows (2026-11-26).
    const told = json(
      Object.fromEntries(chunk.map(({ line, outcome, id, problem }) => [line, [outcome, id ?? null, problem ?? null]])),
    );
    await tx.sql`
      update import_row r set outcome = ${told} -> r.line::text ->> 0, resource_id = (${told} -> r.line::text ->> 1)::uuid,
        problem = nullif(${told} -> r.line::text -> 2, 'null')
      where r.import_id = ${importId} and r.line between ${chunk[0]?.line ?? 0} and ${chunk.at(-1)?.line ?? 0} and ${told} ? r.line::text`;
  }
  if (applied.unnamed.length === 0) return;
  await tx.sql`
    insert into import_row (import_id, line, op, external_id, resource_type, outcome, resource_id, problem)
    select ${importId}::uuid, l.line + row_number() over (order by d.key), 'delete', d.key, d.type, d.outcome, d.id, d.problem
    from jsonb_to_recordset(${json(applied.unnamed.map((row) => ({ ...row, problem: row.problem ?? null })))}) as d (key text, type text, outcome text, id uuid, problem jsonb),
      (select coalesce(max(line), 0)::integer as line from import_row where import_id = ${importId}) l`;
}
