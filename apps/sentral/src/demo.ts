import { openDatabase } from '@sentral/kernel/database';
import { standInNames, startStandIn, type StandInProcess } from '@sentral/stand-ins';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface DemoHouse {
  readonly dataDir: string;
  /** The embedded server's superuser, who makes the stand-ins' login and database. */
  readonly adminUrl: string;
  readonly passwordFile: string;
  readonly say: (line: string) => void;
}

/** The four services in the small, each a process of its own on the mailbox; answers how to stop them. */
export async function startDemoServices({ dataDir, adminUrl, passwordFile, say }: DemoHouse) {
  const databaseUrl = await standInDatabase(adminUrl);
  const mailbox = new URL(adminUrl);
  mailbox.username = 'bus_app';
  mailbox.password = /^bus_app:(.*)$/m.exec(readFileSync(passwordFile, 'utf8'))?.[1] ?? '';
  const folder = path.join(dataDir, 'stand-ins');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const running: StandInProcess[] = [];
  let stopping = false;
  const stop = async () => {
    stopping = true;
    await Promise.all(running.map((each) => each.stop()));
  };
  try {
    for (const service of standInNames) {
      const settings = { databaseUrl, mailboxUrl: mailbox.href, workMs: 1_000 };
      const standIn = await startStandIn(service, settings);
      running.push(standIn);
      // What `pnpm stand-in <service>` starts it with again, at the same control URL.
      const again = {
        STAND_IN_DATABASE_URL: databaseUrl,
        STAND_IN_MAILBOX_URL: mailbox.href,
        STAND_IN_WORK_MS: settings.workMs,
        STAND_IN_PORT: new URL(standIn.control).port,
      };
      const lines = Object.entries(again).map(([name, value]) => `${name}=${value}\n`);
      writeFileSync(path.join(folder, `${service}.env`), lines.join(''), { mode: 0o600 });
      standIn.child.once('exit', (code, signal) => {
        if (!stopping)
          say(
            `sentral: ${service} has ended (${signal ?? code}); its steps wait. Again: corepack pnpm stand-in ${service}`,
          );
      });
      say(`  ${service.padEnd(11)} pid ${standIn.child.pid}, control ${standIn.control}`);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  say('  stop one    kill <pid>; start it again: corepack pnpm stand-in <name>');
  return { stop };
}

/** A login and a database for the journals, apart from Sentral's own; the password is new at each start. */
async function standInDatabase(adminUrl: string): Promise<string> {
  const password = randomBytes(18).toString('base64url');
  const db = openDatabase({ url: adminUrl, applicationName: 'sentral demo' });
  try {
    const roles = await db.unsafe(`select from pg_roles where rolname = 'stand_in'`);
    await db.unsafe(`${roles.length === 0 ? 'create' : 'alter'} role stand_in login password '${password}'`);
    const databases = await db.unsafe(`select from pg_database where datname = 'stand_ins'`);
    if (databases.length === 0) await db.unsafe('create database stand_ins owner stand_in');
  } finally {
    await db.close();
  }
  const url = new URL(adminUrl);
  url.username = 'stand_in';
  url.password = password;
  url.pathname = '/stand_ins';
  return url.href;
}

type Thing = Readonly<Record<string, unknown>> & { readonly id: string };

/** What buckets, networks and machines need, through the public API; what is there by its name is left as it is. */
export async function seedDemo(base: string, token: string): Promise<string> {
  const call = async (at: string, body?: object): Promise<Thing & { items: readonly Thing[] }> => {
    const response = await fetch(`${base}/v1${at}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'if-match': '*' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`the demo's ${at} was refused: ${answer}`);
    return JSON.parse(answer) as Thing & { items: readonly Thing[] };
  };
  let made = 0;
  const ensure = async (
    at: string,
    body: Readonly<Record<string, unknown>>,
    { by = 'name', query = '?limit=500' } = {},
  ) => {
    const { items } = await call(`${at}${query}`);
    const there = items.find((each) => each[by] === body[by]);
    if (there !== undefined) return there.id;
    made += 1;
    return (await call(at, body)).id;
  };
  const node = (kind: string, name: string, parentId?: string) =>
    ensure(
      '/nodes',
      { kind, name, ...(parentId === undefined ? {} : { parentId }) },
      { query: `?kind=${kind}&name=${name}&parentId=${parentId ?? 'root'}` },
    );
  const capacity = (nodeId: string, of: string, total: number) =>
    ensure(`/nodes/${nodeId}/capacities`, { class: of, total, maxUnit: total }, { by: 'class', query: '' });

  const site = await node('site', 'demo-site', await node('region', 'demo-region'));
  for (const n of [1, 2, 3]) {
    const server = await node('server', `demo-server-${n}`, await node('rack', `demo-rack-${n}`, site));
    await capacity(server, 'vcpu', 16);
    await capacity(server, 'memoryMib', 65_536);
  }
  await capacity(await node('storage', 'demo-storage', site), 'diskGib', 1_000);
  const domain = await ensure('/numberDomains', { name: 'demo-vlans', kind: 'vlan' });
  await ensure(`/numberDomains/${domain}/ranges`, { start: 100, end: 199 }, { by: 'start' });
  const space = await ensure('/addressSpaces', { name: 'demo-addresses' });
  await ensure(`/addressSpaces/${space}/blocks`, { cidr: '10.20.0.0/16' }, { by: 'cidr', query: '?cidr=10.20.0.0/16' });
  return made === 0
    ? 'the demo data is there already'
    : `made ${made} things: demo-region, demo-site, 3 racks with a server each, storage, VLANs 100-199, 10.20.0.0/16`;
}
