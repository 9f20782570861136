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

/** One that stands so already keeps its note and its time; it is written even so, as who waited for its row would not see it. */
export async function amendGate(
  tx: Tx,
  gate: { readonly service: string; readonly paused: boolean; readonly note: string | null; readonly actor: Actor },
): Promise<GateRow> {
  const kept = (column: string, fresh: string): string =>
    `${column} = case when g.paused = excluded.paused then g.${column} else ${fresh} end`;
  const [row] = await tx.unsafe(
    `insert into service_gate as g (service, paused, note, changed_by) values ($1, $2, $3, $4)
     on conflict (service) do update set paused = excluded.paused, ${kept('note', 'excluded.note')},
       ${kept('changed_at', 'now()')}, ${kept('changed_by', 'excluded.changed_by')}
     returning ${columns}`,
    [gate.service, gate.paused, gate.note, json(gate.actor)],
  );
  return row as unknown as GateRow;
}
