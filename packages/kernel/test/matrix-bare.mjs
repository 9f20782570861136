// What the bare driver does in each row of the matrix, in a process of its own: some rows end it, some never end.
// Called as: node matrix-bare.mjs <row> <url> [<other url>]; prints one line of JSON.
import { startFaultProxy } from '@sentral/fault-proxy';
import postgres from 'postgres';

const [row, url, other] = process.argv.slice(2);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const open = (at, options = {}) => postgres(at, { onnotice: () => undefined, ...options });
const tell = (outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`);
const behindProxy = async () => startFaultProxy({ port: Number(new URL(url).port) });
/** `settled` tells whether a promise came to any end in so many milliseconds. */
const settled = (promise, ms) =>
  Promise.race([promise.then(() => 'ok', (e) => String(e.code ?? e.message)), sleep(ms).then(() => 'never')]); // prettier-ignore

const rows = {
  async pipelining() {
    let acknowledged = 0;
    let missing = 0;
    for (let round = 0; round < 20 && missing === 0; round += 1) {
      const sql = open(url, { max: 10 });
      const kept = [];
      const insert = async (id) => {
        await sql`insert into matrix (id) values (${id})`;
        kept.push(id);
      };
      // Prepared on every connection first, so that nothing but the pipeline's limit of 100 makes one wait.
      for (let warm = 0; warm < 5; warm += 1) {
        await Promise.all(Array.from({ length: 10 }, (_, i) => insert(round * 10_000 + 5_000 + warm * 10 + i)));
      }
      const all = [];
      for (let i = 0; i < 1200; i += 1) {
        all.push(insert(round * 10_000 + i));
        // Ten connections with a hundred each: the next one on any of them is the boundary. The driver takes them over in a
        // microtask, so let those pass; nothing is read from a socket meanwhile.
        if (i === 999) for (let tick = 0; tick < 10; tick += 1) await Promise.resolve();
        if (i === 999 + (round % 5)) all.push(sql.begin((tx) => tx`select 1`));
      }
      await settled(Promise.allSettled(all), 5_000);
      await sql.end({ timeout: 1 });
      const look = open(url, { max: 1 });
      const found = new Set((await look`select id from matrix`).map((r) => r.id));
      acknowledged += kept.length;
      missing += kept.filter((id) => !found.has(id)).length;
      await look.end();
    }
    tell({ acknowledged, missing });
  },

  async lostInBegin() {
    const proxy = await behindProxy();
    for (const cut of ['fin', 'rst']) {
      const sql = open(proxy.through(url), { max: 1 });
      await sql
        .begin(async (tx) => {
          await tx`select 1`;
          proxy.cutAll(cut);
          await sleep(100);
          await tx`select 2`;
        })
        .catch(() => undefined);
      await sleep(200);
    }
    tell({ survived: true });
  },

  async otherTraffic() {
    const proxy = await behindProxy();
    const sql = open(proxy.through(url), { max: 1 });
    let late = 'not tried';
    const begun = sql.begin(async (tx) => {
      await tx`insert into matrix (id) values (1)`;
      proxy.cutAll('rst');
      await sleep(50);
      await sql`select 'other traffic'`;
      late = await settled(tx`insert into matrix (id) values (2)`, 2_000);
    });
    const outcome = await settled(begun, 3_000);
    await sleep(500);
    const look = open(url, { max: 1 });
    tell({ begun: outcome, late, rows: (await look`select id from matrix order by id`).map((r) => r.id) });
  },

  async finAtConnect() {
    const proxy = await behindProxy();
    await proxy.set({ accept: 'fin' });
    const sql = open(proxy.through(url), { max: 1 });
    const outcome = await settled(sql`select 1`, 3_000);
    tell({ outcome, dialled: proxy.accepted() });
  },

  async everyHostDown() {
    const [one, two] = [await behindProxy(), await behindProxy()];
    await one.set({ accept: 'fin' });
    await two.set({ accept: 'fin' });
    const at = new URL(url);
    const hosts = `127.0.0.1:${one.port},127.0.0.1:${two.port}`;
    const sql = open(`postgres://${at.username}:${at.password}@${hosts}${at.pathname}`, { max: 1 });
    tell({ outcome: await settled(sql`select 1`, 3_000), dialled: one.accepted() + two.accepted() });
  },

  async halfOpen() {
    const proxy = await behindProxy();
    const sql = open(proxy.through(url), { max: 1 });
    await sql`select 1`;
    proxy.cutAll('black-hole');
    tell({ outcome: await settled(sql`select 1`, 5_000) });
  },

  async sessionAttributes() {
    const hosts = `${new URL(other).host},${new URL(url).host}`;
    const at = new URL(url);
    const sql = open(`postgres://${at.username}:${at.password}@${hosts}${at.pathname}`, {
      max: 1,
      target_session_attrs: 'read-write',
    });
    const [answer] = await sql`select pg_is_in_recovery() as standby`;
    tell({ standby: answer.standby });
  },

  async cancelledCommit() {
    const sql = open(url, { max: 1 });
    const admin = open(url, { max: 1 });
    const begun = settled(
      sql.begin((tx) => tx`insert into matrix (id) values (1)`),
      5_000,
    );
    await sleep(300);
    await admin`select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`;
    tell({ outcome: await begun });
  },

  async overload() {
    const sql = open(url, { max: 2 });
    await sql`select 1`;
    const waits = [];
    let refused = 0;
    let inFlight = 0;
    const ask = async () => {
      const from = performance.now();
      inFlight += 1;
      await sql`select pg_sleep(0.05)`.catch(() => (refused += 1));
      inFlight -= 1;
      waits.push(performance.now() - from);
    };
    const all = [];
    for (let i = 0; i < 188; i += 1) {
      all.push(ask());
      if (i % 4 === 3) await sleep(20);
    }
    const left = inFlight;
    const ended = performance.now();
    await Promise.all(all);
    waits.sort((a, b) => a - b);
    tell({ refused, left, p50: waits[waits.length >> 1], recoveredMs: performance.now() - ended });
  },
};

await rows[row]();
process.exit(0);
