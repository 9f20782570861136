import { observePageSchema, observeSchema } from '@sentral/contracts/services/query';
import { stepFailure } from '@sentral/contracts/services/serve';
import { json, type Database } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { createHash } from 'node:crypto';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import * as v from 'valibot';

/** What a stand-in has in its racks. Every thing that a step made carries the step's op (S4). */
export interface World {
  /** Makes a thing, or finds the one that this op has made. */
  create(thing: NewThing): Promise<void>;
  /** Takes back what the op has made. */
  takeBack(op: string): Promise<boolean>;
  /** Takes a thing away by its id; what is away is away. */
  remove(resource: string, id: string): Promise<void>;
  /** How many things an op has made. */
  count(op: string): Promise<number>;
  observe(resource: string, data: string): Promise<string>;
  /** Changes what is there behind everybody's back. */
  drift(change: Drift): Promise<void>;
}

/** `lose` a thing, `alter` what it is like, or `plant` one that nobody asked for, or that the op has left behind. */
export const driftSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('lose'), resource: v.string(), id: v.string() }),
  v.strictObject({
    kind: v.literal('alter'),
    resource: v.string(),
    id: v.string(),
    spec: v.record(v.string(), v.unknown()),
  }),
  v.strictObject({ kind: v.literal('plant'), resource: v.string(), id: v.string(), op: v.optional(v.string()) }),
]);
export type Drift = v.InferOutput<typeof driftSchema>;

export interface NewThing {
  readonly resource: string;
  readonly id: string;
  readonly op: string;
  readonly spec: object;
  readonly state: string;
  /** What it stands on, and the fence that inventory has given for it: an older one is refused. */
  readonly on?: { readonly holder: string; readonly fence: number };
}

/** The same of what was asked for and of what is stored, whatever became of the order of its keys. */
export const specHashOf = (spec: object): string => createHash('sha256').update(canonicalJson(spec)).digest('hex');

const refused = (code: string, message: string): Error =>
  stepFailure({ class: 'permanent', code, message, effects: 'none' });

export function worldOf(db: Database, service: string): World {
  return {
    create: ({ resource, id, op, spec, state, on }) =>
      inTransaction(db, async (tx) => {
        const [mine] = await tx.unsafe(`select 1 as one from ${service}.thing where op = $1`, [op]);
        if (mine !== undefined) return;
        if (on !== undefined) {
          const taken = await tx.unsafe(
            `insert into ${service}.fence as f (holder, fence) values ($1, $2)
             on conflict (holder) do update set fence = excluded.fence where f.fence <= excluded.fence returning 1 as one`,
            [on.holder, on.fence],
          );
          if (taken.length === 0) throw refused('fence_stale', `${on.holder} was given to somebody else since`);
        }
        const made = await tx.unsafe(
          `insert into ${service}.thing (resource, id, op, spec, state) values ($1, $2, $3, $4, $5) on conflict (resource, id) do nothing returning 1 as one`,
          [resource, id, op, json(spec), state],
        );
        if (made.length === 0) throw refused('already_exists', `there is a ${resource} of this id`);
      }),
    takeBack: async (op) =>
      (await db.unsafe(`delete from ${service}.thing where op = $1 returning 1 as one`, [op])).length > 0,
    remove: async (resource, id) =>
      void (await db.unsafe(`delete from ${service}.thing where resource = $1 and id = $2`, [resource, id])),
    count: async (op) => (await db.unsafe(`select 1 as one from ${service}.thing where op = $1`, [op])).length,
    drift: async (change) => {
      const { resource, id } = change;
      const at = [resource, id];
      if (change.kind === 'lose') await db.unsafe(`delete from ${service}.thing where resource = $1 and id = $2`, at);
      if (change.kind === 'alter')
        await db.unsafe(
          `update ${service}.thing set spec = spec || $3, generation = generation + 1 where resource = $1 and id = $2`,
          [...at, json(change.spec)],
        );
      if (change.kind === 'plant')
        await db.unsafe(
          `insert into ${service}.thing (resource, id, op, spec, state) values ($1, $2, $3, '{}', 'active')`,
          [...at, change.op ?? null],
        );
    },
    observe: async (resource, data) => {
      const { cursor = '', limit } = v.parse(observeSchema, JSON.parse(data));
      const rows = await db.unsafe(
        `select id, op, spec, state, generation::int as generation, now() as now from ${service}.thing
         where resource = $1 and id > $2 collate "C" order by id collate "C" limit $3`,
        [resource, cursor, limit + 1],
      );
      const items = rows.slice(0, limit).map((row) => ({
        resource: String(row['id']),
        ...(row['op'] === null ? {} : { op: row['op'] }),
        specHash: specHashOf(row['spec'] as object),
        generation: row['generation'],
        state: row['state'],
        observedAt: (row['now'] as Date).toISOString(),
      }));
      const last = rows.length > limit ? items.at(-1) : undefined;
      const page = { items, ...(last === undefined ? {} : { nextCursor: last.resource }) };
      return JSON.stringify(v.parse(observePageSchema, page));
    },
  };
}
