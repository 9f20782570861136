// Steps that this context serves for task's workflows (task.md 9.3, S1-S6). Prevents: an effect that no undo will ever find, an
// undo overtaken by its own do, and a step that runs twice. Each function is the decision of one message, in its transaction.
import { type Database, json, type Tx } from './database.js';
import { quoteName } from './tables.js';

export type OperationState = 'doing' | 'done' | 'failed' | 'undoing' | 'undone';

export interface Operation {
  readonly op: string;
  readonly attempt: number;
  readonly undoAttempt: number;
  readonly state: OperationState;
  readonly tombstone: boolean;
  readonly wantUndo: boolean;
  readonly input: unknown;
  readonly result: unknown;
}

export interface StepCommand {
  readonly op: string;
  readonly attempt: number;
  readonly input: unknown;
}

export type DoVerdict =
  | { readonly act: 'run' | 'drop' | 'fenced' }
  | { readonly act: 'resend'; readonly result: unknown };
export type UndoVerdict =
  | { readonly act: 'run'; readonly operation: Operation }
  | { readonly act: 'wait' | 'drop' | 'unknown' }
  | { readonly act: 'resend'; readonly result: unknown };

const columns = `op, attempt, undo_attempt as "undoAttempt", state, tombstone, want_undo as "wantUndo", input, result`;

async function lockOperation(tx: Tx, schema: string, op: string): Promise<Operation | undefined> {
  const [row] = await tx.unsafe(`select ${columns} from ${quoteName(schema)}.operation where op = $1 for update`, [op]);
  return row as unknown as Operation | undefined;
}

/**
 * Decides a `do` and writes it down before its first side effect: commit, then act. `fenced` after an undo (S1), `resend` for
 * the same attempt that has finished, `drop` for an older or a running one (S2), `run` otherwise (S3).
 */
export async function takeDo(tx: Tx, schema: string, command: StepCommand): Promise<DoVerdict> {
  const name = quoteName(schema);
  const fresh = await tx.unsafe(
    `insert into ${name}.operation (op, attempt, state, input) values ($1, $2, 'doing', $3) on conflict (op) do nothing returning 1 as one`,
    [command.op, command.attempt, json(command.input)],
  );
  if (fresh.length === 1) return { act: 'run' };
  const known = await lockOperation(tx, schema, command.op);
  if (known === undefined || known.tombstone) return { act: 'fenced' };
  if (command.attempt < known.attempt) return { act: 'drop' };
  if (command.attempt === known.attempt) {
    return known.state === 'doing' ? { act: 'drop' } : { act: 'resend', result: known.result };
  }
  await tx.unsafe(
    `update ${name}.operation set attempt = $2, state = 'doing', input = $3, result = null, updated_at = now() where op = $1`,
    [command.op, command.attempt, json(command.input)],
  );
  return { act: 'run' };
}

/**
 * Decides an `undo`. The tombstone is set in this transaction, which must commit before anything else is done (S1); an unknown
 * operation becomes `undone` at once (S3), a running one is waited for (S4).
 */
export async function takeUndo(tx: Tx, schema: string, command: Omit<StepCommand, 'input'>): Promise<UndoVerdict> {
  const name = quoteName(schema);
  const fresh = await tx.unsafe(
    `insert into ${name}.operation (op, undo_attempt, state, tombstone, result) values ($1, $2, 'undone', true, '{"found": false}')
     on conflict (op) do nothing returning 1 as one`,
    [command.op, command.attempt],
  );
  if (fresh.length === 1) return { act: 'unknown' };
  const known = await lockOperation(tx, schema, command.op);
  if (known === undefined) return { act: 'unknown' };
  if (known.state === 'undone') return { act: 'resend', result: known.result };
  if (command.attempt < known.undoAttempt) return { act: 'drop' };
  // A second delivery of the attempt that already runs here.
  if (command.attempt === known.undoAttempt && known.state === 'undoing') return { act: 'drop' };
  const running = known.state === 'doing';
  const [row] = await tx.unsafe(
    `update ${name}.operation set undo_attempt = $2, tombstone = true, want_undo = $3,
       state = case when $3 then state else 'undoing' end, updated_at = now() where op = $1 returning ${columns}`,
    [command.op, command.attempt, running],
  );
  return running ? { act: 'wait' } : { act: 'run', operation: row as unknown as Operation };
}

/**
 * Ends a `do`, in one transaction with its reply (S6). `stale`: a newer attempt has taken over, say nothing. `undo`: an undo
 * waited for this end; the operation is `undoing` now and the undo is to be run instead of a reply.
 */
export async function finishDo(
  tx: Tx,
  schema: string,
  end: { readonly op: string; readonly attempt: number; readonly state: 'done' | 'failed'; readonly result: unknown },
): Promise<'reply' | 'undo' | 'stale'> {
  const [row] = await tx.unsafe(
    `update ${quoteName(schema)}.operation set state = case when want_undo then 'undoing' else $3 end, result = $4, updated_at = now()
     where op = $1 and attempt = $2 and state = 'doing' returning want_undo as "wantUndo"`,
    [end.op, end.attempt, end.state, json(end.result)],
  );
  if (row === undefined) return 'stale';
  return row['wantUndo'] === true ? 'undo' : 'reply';
}

/** Ends an `undo`, in one transaction with its reply; false when it was ended before or a newer attempt runs. */
export async function finishUndo(
  tx: Tx,
  schema: string,
  end: { readonly op: string; readonly attempt: number; readonly result: unknown },
): Promise<boolean> {
  const rows = await tx.unsafe(
    `update ${quoteName(schema)}.operation set state = 'undone', want_undo = false, result = $3, updated_at = now()
     where op = $1 and undo_attempt = $2 and state = 'undoing' returning 1 as one`,
    [end.op, end.attempt, json(end.result)],
  );
  return rows.length === 1;
}

/** What was running when the process ended: to be resumed at its start (S5). */
export async function listUnfinished(db: Database, schema: string): Promise<readonly Operation[]> {
  const rows = await db.unsafe(
    `select ${columns} from ${quoteName(schema)}.operation where state in ('doing', 'undoing') order by updated_at limit 1000`,
  );
  return rows as unknown as readonly Operation[];
}
