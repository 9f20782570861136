import { json, type Database, type Tx } from '@sentral/kernel/database';
import type { Actor } from '../decide/decision.js';

export interface GateRow {
  readonly service: string;
  readonly paused: boolean;
  readonly note: string | null;
  readonly changedAt: Date;
  readonly changedBy: Actor | null;
}

const columns = `service, paused, note, changed_at as "changedAt", changed_by as "changedBy"`;

export async function listGates(on: Pick<Database, 'unsafe'>): Promise<readonly GateRow[]> {
  return (await on.unsafe(`select ${columns} from service_gate order by service`)) as unknown as readonly GateRow[];
}

/** One that stands so already keeps its note and its time. */
export async function amendGate(
  tx: Tx,
  gate: { readonly service: string; readonly paused: boolean; readonly note: string | null; readonly actor: Actor },
): Promise<GateRow> {
  const [row] = await tx.unsafe(
    `with moved as (
       insert into service_gate as g (service, paused, note, changed_by) values ($1, $2, $3, $4)
       on conflict (service) do update set paused = excluded.paused, note = excluded.note, changed_at = now(), changed_by = excluded.changed_by
         where g.paused <> excluded.paused
       returning ${columns})
     select * from moved union all select ${columns} from service_gate where service = $1 limit 1`,
    [gate.service, gate.paused, gate.note, json(gate.actor)],
  );
  return row as unknown as GateRow;
}
