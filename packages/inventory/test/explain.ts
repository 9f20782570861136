import type { Caller } from '@sentral/contracts/contract';
import type { Database, Tx } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../src/deps.js';

/** Runs the work with a handle that has each of its statements explained before it runs, and undoes it. */
export async function plansOf(app: Database, work: (on: Tx) => Promise<unknown>): Promise<string> {
  const plans: string[] = [];
  await inTransaction(
    app,
    async (tx) => {
      const explain = async (text: string, values: readonly unknown[]): Promise<void> => {
        const plan = await tx.unsafe(`explain (costs off) ${text}`, values);
        plans.push(plan.map((row) => String(row['QUERY PLAN'])).join('\n'));
      };
      const sql = async (strings: TemplateStringsArray, ...values: unknown[]) => {
        await explain(
          strings.reduce((text, part, at) => `${text}$${at}${part}`),
          values,
        );
        return tx.sql(strings, ...values);
      };
      const unsafe = async (text: string, values: readonly unknown[] = []) => {
        await explain(text, values);
        return tx.unsafe(text, values);
      };
      await work({ ...tx, sql, unsafe } as unknown as Tx);
    },
    { rollback: true },
  );
  return plans.join('\n');
}

export const everyone: Caller = {
  principal: { id: 'plans', type: 'system' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [],
};
/** A context whose connections are all this one. */
export const depsOn = (on: Tx): Deps => {
  const db = on as unknown as Database;
  return {
    db: { app: db, read: db, platform: db },
    now: () => new Date(),
    newId,
    telemetry: createTelemetry({ level: 'error' }),
  };
};
