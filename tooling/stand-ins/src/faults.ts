import { failureClasses } from '@sentral/contracts/services/message';
import type { Database, Tx } from '@sentral/kernel/database';
import * as v from 'valibot';

/**
 * What can go wrong. In the work: `delay` it, `refuse` it, `crash-before` or `crash-after` the effect. With a reply: `lose`,
 * `duplicate`, `reorder` it behind the next ones, send it `late`. With a command: `deaf`, it is taken and forgotten.
 */
export const faultKinds = [
  'delay',
  'refuse',
  'crash-before',
  'crash-after',
  'lose',
  'duplicate',
  'reorder',
  'late',
  'deaf',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export const faultSchema = v.strictObject({
  kind: v.picklist(faultKinds),
  /** Only at this action, do or undo. */
  action: v.optional(v.string()),
  /** Only with replies of this kind, such as `succeeded`. */
  reply: v.optional(v.string()),
  times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
  ms: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 500),
  class: v.optional(v.picklist(failureClasses), 'transient'),
  code: v.optional(v.string(), 'refused'),
  /** Of each time that it could happen, by the seed. */
  chance: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 1),
});
export type FaultInput = v.InferInput<typeof faultSchema>;
export type Fault = v.InferOutput<typeof faultSchema>;

interface At {
  readonly kinds: readonly FaultKind[];
  readonly action: string;
  readonly reply?: string;
  readonly draw: number;
}

/** The faults that wait for one stand-in. One process of each at a time: where it has been asked for none, there is none to look for. */
export interface Faults {
  insert(fault: Fault): Promise<void>;
  /** Uses up one fault that fits, the oldest first. It is gone before it happens, or a crash would happen at each start. */
  take(on: Database | Tx, at: At): Promise<Fault | undefined>;
  clear(): Promise<void>;
}

export async function faultsOf(db: Database, service: string): Promise<Faults> {
  let some = (await db.unsafe(`select from ${service}.fault where times > 0 limit 1`)).length > 0;
  return {
    insert: async (fault) => {
      some = true;
      const { kind, action = null, reply = null, times, ms, class: of, code, chance } = fault;
      await db.unsafe(
        `insert into ${service}.fault (kind, action, reply, times, ms, class, code, chance) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [kind, action, reply, times, ms, of, code, chance],
      );
    },
    take: async (on, at) => {
      if (!some) return undefined;
      const [found] = await on.unsafe(
        `update ${service}.fault set times = times - 1 where id = (
           select id from ${service}.fault
           where kind = any($1::text[]) and times > 0 and chance > $2 and coalesce(action, $3) = $3 and coalesce(reply, $4) = $4
           order by id limit 1 for update skip locked)
         returning kind, ms, class, code`,
        [at.kinds, at.draw, at.action, at.reply ?? ''],
      );
      return found as unknown as Fault | undefined;
    },
    clear: async () => void (await db.unsafe(`delete from ${service}.fault`)),
  };
}

/** mulberry32: what a chance draws from. */
export function drawFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
