import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKernelSchema, type KernelSchema, schema } from '../test/kernel-schema.js';
import type { Database, Tx } from './database.js';
import { newId } from './id.js';
import { finishDo, finishUndo, listUnfinished, takeDo, takeUndo } from './operation.js';
import { inTransaction } from './transaction.js';

let context: KernelSchema;
let db: Database;
beforeAll(async () => {
  context = await createKernelSchema(inject('postgresUrl'));
  db = context.app({ poolSize: 25 });
});
afterAll(() => context.drop());

const run = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => inTransaction(db, work);
const doIt = (op: string, attempt: number) => run((tx) => takeDo(tx, schema, { op, attempt, input: { a: 1 } }));
const undoIt = (op: string, attempt: number) => run((tx) => takeUndo(tx, schema, { op, attempt }));
const endDo = (op: string, attempt: number, result: unknown = 'ok') =>
  run((tx) => finishDo(tx, schema, { op, attempt, state: 'done', result }));

test('a do delivered twenty times at once runs once, and after its end the recorded reply is sent again', async () => {
  const op = newId();
  const verdicts = await Promise.all(Array.from({ length: 20 }, () => doIt(op, 1)));
  expect(verdicts.filter((v) => v.act === 'run')).toHaveLength(1);
  expect(verdicts.filter((v) => v.act === 'drop')).toHaveLength(19);
  expect(await endDo(op, 1, { port: 7 })).toBe('reply');
  expect(await doIt(op, 1)).toEqual({ act: 'resend', result: { port: 7 } });
  expect(await endDo(op, 1)).toBe('stale');
});

test('an older attempt is dropped, a newer one is taken, and the end of the older says nothing', async () => {
  const op = newId();
  await doIt(op, 2);
  expect(await doIt(op, 1)).toEqual({ act: 'drop' });
  expect(await doIt(op, 3)).toEqual({ act: 'run' });
  expect(await endDo(op, 2)).toBe('stale');
  expect(await endDo(op, 3)).toBe('reply');
});

test('an undo that comes before its do leaves a tombstone that no do gets past', async () => {
  const op = newId();
  expect(await undoIt(op, 1)).toEqual({ act: 'unknown' });
  expect(await undoIt(op, 1)).toEqual({ act: 'resend', result: { found: false } });
  expect(await doIt(op, 1)).toEqual({ act: 'fenced' });
  expect(await doIt(op, 9)).toEqual({ act: 'fenced' });
});

test('an undo waits for a running do, then takes its place', async () => {
  const op = newId();
  await doIt(op, 1);
  expect(await undoIt(op, 1)).toEqual({ act: 'wait' });
  expect(await doIt(op, 2)).toEqual({ act: 'fenced' });
  expect(await endDo(op, 1)).toBe('undo');
  expect((await listUnfinished(db, schema)).filter((each) => each.op === op)).toMatchObject([
    { state: 'undoing', tombstone: true, input: { a: 1 } },
  ]);
  expect(await run((tx) => finishUndo(tx, schema, { op, attempt: 1, result: { found: true } }))).toBe(true);
  expect(await undoIt(op, 2)).toEqual({ act: 'resend', result: { found: true } });
});

test('an undo of what is done runs once, a newer attempt of it again', async () => {
  const op = newId();
  await doIt(op, 1);
  await endDo(op, 1);
  const verdicts = await Promise.all(Array.from({ length: 10 }, () => undoIt(op, 1)));
  expect(verdicts.map((v) => v.act).toSorted()).toEqual([...Array.from({ length: 9 }, () => 'drop'), 'run']);
  expect(await undoIt(op, 2)).toMatchObject({ act: 'run', operation: { undoAttempt: 2, result: 'ok' } });
  expect(await run((tx) => finishUndo(tx, schema, { op, attempt: 1, result: 1 }))).toBe(false);
});
