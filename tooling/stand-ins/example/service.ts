import { actions } from '@sentral/contracts/services/registry';
import { stepService, type Entry, type StepService } from '@sentral/contracts/services/serve';
import type { InferOutput } from 'valibot';

const { objekt } = actions;
type Create = InferOutput<(typeof objekt)['bucket.create']['input']>;
type Row = { entry: Entry; version: number; op: Entry['asker']['stepid']; id: string };
/** Your driver: one statement, each in a transaction of its own. */
export type Query = (text: string, params?: readonly unknown[]) => Promise<readonly Row[]>;

export const tables = `create table bucket (op text primary key, id text unique);
  create table operation (op text primary key, entry jsonb, version int);
  create table outbox (id bigint generated always as identity, entry jsonb)`;

const put = `with kept as (
    insert into operation values ($1, $2::text::jsonb, 1)
    on conflict (op) do update set entry = excluded.entry, version = operation.version + 1 where operation.version = $3 returning 1
  ), said as (insert into outbox (entry) select jsonb_array_elements($4::text::jsonb) from kept) select from kept`;

export function bucketService(query: Query, beat: Parameters<typeof stepService>[0]['beat']): StepService {
  return stepService({
    service: 'objekt',
    actions: {
      'bucket.create': {
        ...objekt['bucket.create'],
        run: async ({ op, input }) => {
          const { bucketId } = input as Create;
          await query('insert into bucket values ($1, $2) on conflict (op) do nothing', [op, bucketId]);
          return { bucketId, endpoint: `https://${bucketId}.objects.example` };
        },
      },
      'bucket.delete': {
        ...objekt['bucket.delete'],
        takeBack: async ({ op }) => (await query('delete from bucket where op = $1 returning id', [op])).length > 0,
      },
    },
    store: {
      change: async (op, decide) => {
        for (let kept = 0; kept === 0;) {
          const [seen] = await query('select entry, version from operation where op = $1', [op]);
          const { entry, replies } = decide(seen?.entry);
          if (entry === undefined) return;
          kept = (await query(put, [op, JSON.stringify(entry), seen?.version ?? 0, JSON.stringify(replies)])).length;
        }
      },
      find: async (op) => (await query('select entry from operation where op = $1', [op]))[0]?.entry,
      unfinished: async () =>
        (await query(`select op from operation where entry->'operation'->>'state' in ('doing', 'undoing')`)).map(
          ({ op }) => op,
        ),
    },
    beat,
    report: console.error,
  });
}
