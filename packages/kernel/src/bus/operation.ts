// Steps that a context serves (task.md 9.3, S1-S9). Prevents: an effect that no undo will ever find, an undo overtaken by its own
// do, a step that runs twice. Unlike in other services, work and its end are one transaction under the lock of the operation's row:
// any number of processes may go on with it, and it is over before its first beat. A lasting action takes several of them, one
// after another under the same lock, and looks each time how far it is.
import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { inputOf, journal, type JournalStep, type Operation } from '@sentral/contracts/services/journal';
import { readCommand, subjects, type Command } from '@sentral/contracts/services/message';
import { describeOperation, readDescribe } from '@sentral/contracts/services/query';
import {
  endOf,
  askerOf,
  failureOf,
  repliesOf,
  served,
  type Asker,
  type StepAction,
} from '@sentral/contracts/services/serve';
import { type Database, json, type Rows, type Tx } from '../database.js';
import { lockName } from '../lease.js';
import { enqueue } from '../outbox.js';
import { quoteName } from '../tables.js';
import { inTransaction, type TransactionOptions } from '../transaction.js';

/** What a lasting action answers while its end is not there: it is asked again at once, in the next transaction, or by `resume`. */
export const unended = { again: Symbol('again'), later: Symbol('later') } as const;

/** Who asked; `round` is the attempt that is served, so that what an earlier one has left can be told from what this one makes. */
export interface Served extends Asker {
  readonly round: number;
}

/** What a context does for a step in the transaction that also writes its end down; a Problem that it throws undoes what it did. */
export interface ServedAction extends Pick<StepAction, 'contract' | 'input'> {
  /** Its work is more than one transaction: it may answer `unended`, and what it did in those before stays when it fails. */
  readonly lasting?: boolean;
  /** What it takes back may be there although the step was never sent: whoever opened the task has made it. */
  readonly ahead?: boolean;
  readonly run?: (tx: Tx, asker: Served, input: never) => Promise<unknown>;
  /** Whether there was anything to take back. */
  readonly takeBack?: (tx: Tx, asker: Served, input: never) => Promise<boolean | symbol>;
}

export interface ServedSteps {
  readonly db: Database;
  readonly schema: string;
  readonly service: string;
  readonly actions: Readonly<Record<string, ServedAction>>;
  /** Told that answers lie in the outbox. */
  readonly answered: () => void;
  /** Of the transactions in which it works. */
  readonly settings?: NonNullable<TransactionOptions['settings']>;
}

const columns = 'attempt, undo_attempt as "undoAttempt", state, tombstone, want_undo as "wantUndo", input, result';
/** A schema may hold the operations of several services; rows without a name are those of its own. */
type Kept = Pick<Operation, 'work' | 'undoWork'> & { readonly asker: Asker; readonly service?: string };
type Row = Omit<Operation, 'op'> & { readonly input: Kept };

/** Serves the steps of a context: hang `take` and `describe` on the bus, and call `resume` in a loop. Any number of processes may. */
export function servedSteps({ db, schema, service, actions, answered, settings = {} }: ServedSteps) {
  const table = `${quoteName(schema)}.operation`;

  const find = async (op: Id<'stp'>) =>
    readRow(op, await db.unsafe(`select ${columns} from ${table} where op = $1`, [decodeId('stp', op)]));
  const lock = async (tx: Tx, op: Id<'stp'>) =>
    readRow(op, await tx.unsafe(`select ${columns} from ${table} where op = $1 for update`, [decodeId('stp', op)]));

  async function write(tx: Tx, asker: Asker, { row, acts }: JournalStep): Promise<void> {
    if (row === undefined) return;
    const { attempt, undoAttempt, state, tombstone, wantUndo, work, undoWork, result = null } = row;
    const kept = [json({ service, asker, work, undoWork }), result === null ? null : json(result)];
    await tx.unsafe(
      `insert into ${table} (op, attempt, undo_attempt, state, tombstone, want_undo, input, result) values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (op) do update set attempt = $2, undo_attempt = $3, state = $4, tombstone = $5, want_undo = $6, input = $7, result = $8, updated_at = now()`,
      [decodeId('stp', asker.stepid), attempt, undoAttempt, state, tombstone, wantUndo, ...kept],
    );
    const to = { subject: subjects.reply(service, asker.stepid), aggregate: asker.stepid };
    for (const body of repliesOf(acts, service, asker)) await enqueue(tx, schema, { ...to, messageId: body.id, body });
  }

  async function record(tx: Tx, command: Command): Promise<void> {
    // Stands for the row that is not there yet.
    await lockName(tx, schema, command.stepid);
    const found = await lock(tx, command.stepid);
    const [clock] = await tx.sql<{ ms: number }>`select (extract(epoch from now()) * 1000)::float8 as ms`;
    const input = inputOf(command, clock?.ms ?? 0);
    const ahead = input.on === 'undo' && input.work !== undefined && actions[input.work.action]?.ahead === true;
    await write(tx, askerOf(command), journal(found?.row, input.on === 'undo' ? { ...input, ahead } : input));
  }

  /** Does what is unfinished of an operation, or nothing; the row's lock is held until its end is written. True: at once again. */
  async function work(tx: Tx, op: Id<'stp'>): Promise<boolean> {
    const found = await lock(tx, op);
    const { row, acts } = journal(found?.row, { on: 'boot' });
    const [act] = acts;
    if (found === undefined || row === undefined || (act?.act !== 'run' && act?.act !== 'takeBack')) return false;
    const lasting = act.work !== undefined && actions[act.work.action]?.lasting === true;
    const round = act.act === 'run' ? row.attempt : row.undoAttempt;
    let open: unknown;
    const does = async (): Promise<unknown> => {
      if (act.work === undefined) return false;
      const { way, input } = served(actions, act.work, act.act);
      const answer = await way(tx, { ...found.asker, round }, input as never);
      if (lasting && (answer === unended.again || answer === unended.later)) open = answer;
      return answer;
    };
    const end = await endOf(
      act.act,
      () => tx.savepoint(does),
      (error) => {
        const failure = failureOf(error);
        // A conflict, a lost connection or a bug: all of it is undone, and `resume` goes on with the operation.
        if (failure === undefined) throw error;
        return { ...failure, effects: lasting ? 'unknown' : 'none' };
      },
    );
    // Written even so: what waits longest is asked first.
    await write(tx, found.asker, open === undefined ? journal(row, end) : { row, acts: [] });
    return open === unended.again;
  }

  async function workOn(op: Id<'stp'>): Promise<void> {
    const once = (): Promise<boolean> => inTransaction(db, (tx) => work(tx, op), { deadlineMs: 15_000, settings });
    while (await once().finally(answered));
  }

  return {
    async take(data: string): Promise<'ack' | 'unreadable'> {
      const read = readCommand(data);
      if (!read.ok) return 'unreadable';
      await inTransaction(db, (tx) => record(tx, read.message));
      await workOn(read.message.stepid);
      return 'ack';
    },
    /** Goes on with what processes have left behind for so long (S5). */
    async resume(idleSeconds = 5): Promise<void> {
      const left = await db.unsafe(
        `select op from ${table} where state in ('doing', 'undoing') and updated_at <= now() - make_interval(secs => $1)
           and coalesce(input ->> 'service', $2) = $3 order by updated_at limit 100`,
        [idleSeconds, schema, service],
      );
      const failures: unknown[] = [];
      for (const { op } of left)
        await workOn(encodeId('stp', String(op))).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
    /** Goes on with one whose end may have come. */
    goOn: workOn,
    describe: async (data: string) => describeOperation((await find(readDescribe(data)))?.row),
  };
}

function readRow(op: Id<'stp'>, [found]: Rows) {
  if (found === undefined) return undefined;
  const { input, result, ...row } = found as unknown as Row;
  const { asker, service: _, ...works } = input;
  return { asker, row: { op, ...row, ...works, ...(result === null ? {} : { result }) } as Operation };
}

const purgePage = 200;

/**
 * Removes operations that were over for a week and whose step is gone with its task (`living` tells which are not): what may still be
 * undone keeps its tombstone, however long its task waits for a person. Goes once over all of them.
 */
export async function purgeOperations(
  db: Database,
  schema: string,
  living: (ids: readonly Id<'stp'>[]) => Promise<readonly string[]>,
): Promise<number> {
  const table = `${quoteName(schema)}.operation`;
  let gone = 0;
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const rows = await db.unsafe(
      `select op from ${table} where op > $1 and state in ('done', 'failed', 'undone') and updated_at <= now() - interval '7 days'
       order by op limit $2`,
      [after, purgePage],
    );
    const ops = rows.map(({ op }) => String(op));
    const kept = new Set(await living(ops.map((op) => encodeId('stp', op))));
    const dead = ops.filter((op) => !kept.has(encodeId('stp', op)));
    if (dead.length > 0) {
      await db.unsafe(`delete from ${table} where op = any($1::uuid[]) and state in ('done', 'failed', 'undone')`, [
        dead,
      ]);
      gone += dead.length;
    }
    if (ops.length < purgePage) return gone;
    after = ops.at(-1) ?? after;
  }
}
