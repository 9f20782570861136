import { serve } from '@hono/node-server';
import { Hono } from 'hono';
// oxlint-disable-next-line sentral/kernel-owns-postgres -- the limit is the driver itself, without what the kernel adds
import postgres from 'postgres';

// The limit of reading: the same rows by one handler and the driver alone, without authentication, access, validation or logs.
const sql = postgres(process.env['BARE_DATABASE_URL'] ?? '', { max: 8 });
const app = new Hono();

app.get('/nodes/:id', async (c) => {
  const [row] =
    await sql`select n.*, (select jsonb_agg(to_jsonb(k) order by k.class) from inventory.capacity k where k.node_id = n.id) as capacities
    from inventory.node n where n.id = ${c.req.param('id')}`;
  return row === undefined ? c.notFound() : c.json(row);
});

const providers = (await sql`select node_id from inventory.capacity where class = 'vcpu' order by node_id`).map(
  (row) => row['node_id'] as string,
);

/** Along the index from anywhere, each checked as it comes by, until there are enough. */
app.post('/candidates', async (c) => {
  const { amount, limit } = await c.req.json<{ amount: number; limit: number }>();
  const pivot = providers[Math.floor(Math.random() * providers.length)] ?? '';
  const rows = await sql`
    (select k.node_id, n.name, n.kind, k.cap, k.used from inventory.capacity k join inventory.node n on n.id = k.node_id
      where k.class = 'vcpu' and k.node_id >= ${pivot} and k.used + k.booked + ${amount} <= k.cap order by k.node_id limit ${limit})
    union all
    (select k.node_id, n.name, n.kind, k.cap, k.used from inventory.capacity k join inventory.node n on n.id = k.node_id
      where k.class = 'vcpu' and k.node_id < ${pivot} and k.used + k.booked + ${amount} <= k.cap order by k.node_id limit ${limit})
    limit ${limit}`;
  return c.json(rows);
});

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
  process.stdout.write(`http://127.0.0.1:${port}\n`),
);
process.once('SIGTERM', () => {
  server.close();
  void sql.end();
});
