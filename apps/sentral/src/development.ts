import { defaultEnvironmentId, defaultScopeUuids } from '@sentral/contracts/tenancy';
import { up } from '@sentral/migrator';
import { bootstrapDevelopment } from '@sentral/migrator/bootstrap';
import { readConfig as readMigratorConfig } from '@sentral/migrator/config';
import { startPostgres } from '@sentral/servers/postgres';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createDevelopmentIssuer } from './auth/development-issuer.js';
import { readConfig } from './config.js';
import { seedDemo, startDemoServices } from './demo.js';
import { stopOnSignal } from './signals.js';
import { start } from './start.js';

// The development entry (`pnpm start`): brings its own PostgreSQL, makes the roles, keys and tables that are missing, and an issuer that lives as long as the process.
const env: Record<string, string | undefined> = { ...process.env, SENTRAL_MODE: 'development' };
const dataDir = path.resolve(env['SENTRAL_DATA_DIR'] ?? '.sentral');
const json = env['SENTRAL_LOG'] === 'json';
const say = (line: string) => {
  if (!json) console.log(line);
};

const loopback = ['127.0.0.1', '::1', 'localhost'];
const contexts = ['tenancy', 'inventory', 'task', 'audit'] as const;

try {
  const { demo } = parseArgs({ options: { demo: { type: 'boolean', default: false } } }).values;
  refuseDangers();
  if (demo) refuseForeignServers();
  // Nobody else looks into it; through it goes the account that runs PostgreSQL for root.
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  for (const name of ['instance', 'feed', 'audit-signing', 'internal']) {
    const variable = `SENTRAL_${name.toUpperCase().replace('-', '_')}_KEY_FILE`;
    env[variable] ??= secretFile(`${name}.key`, () => randomBytes(32).toString('base64'));
  }
  const database = await databaseServer();
  say('sentral: roles, schemas and migrations');
  const migrator = readMigratorConfig(env);
  await up(migrator, say);
  const issuer = await createDevelopmentIssuer('sentral');
  const { issuer: url, subject } = issuer;
  await bootstrapDevelopment(migrator, { issuer: url, subject, tenantUuid: defaultScopeUuids.tenant });
  const running = await start(readConfig({ ...env, SENTRAL_MIGRATOR_DATABASE_URL: undefined }), {
    issuers: [{ ...issuer, algorithms: ['EdDSA'], typ: 'at+jwt', keys: { set: issuer.keys } }],
  });
  const token = await issuer.token(12 * 3600);
  writeFileSync(path.join(dataDir, 'token'), `${token}\n`, { mode: 0o600 });
  chmodSync(path.join(dataDir, 'token'), 0o600);
  const services = demo ? await startDemo(running.url, token) : undefined;
  if (json) console.log(JSON.stringify({ url: running.url, token }));
  say(`\nsentral is up: ${running.url}`);
  say(`  reference   ${running.url}/docs`);
  say(`  token       ${path.join(dataDir, 'token')}   (12 h, this process only)`);
  say(
    `  try         curl -H "Authorization: Bearer $(cat ${path.relative(process.cwd(), path.join(dataDir, 'token'))})" ${running.url}/v1/whoami`,
  );
  if (demo) {
    const bearer = `-H "Authorization: Bearer $(cat ${path.relative(process.cwd(), path.join(dataDir, 'token'))})"`;
    say(
      `  make        curl -X POST ${bearer} -H "Idempotency-Key: $RANDOM$RANDOM" -H "Content-Type: application/json" \\`,
    );
    say(
      `                ${running.url}/v1/environments/${defaultEnvironmentId}/buckets -d '{"name":"photos","sizeGib":10}'`,
    );
    say(`  watch       curl ${bearer} ${running.url}/v1/tasks`);
  }
  stopOnSignal(async () => {
    await services?.stop();
    await running.stop();
    await database?.stop();
  });
} catch (error) {
  console.error(`sentral did not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(2);
}

/** An issuer whose key anyone on this machine can use must not be reachable from another one. */
function refuseDangers(): void {
  const host = env['SENTRAL_HOST'] ?? '127.0.0.1';
  if (!loopback.includes(host))
    throw new Error(`SENTRAL_HOST ${host} is not loopback: the development issuer stays on this machine`);
  if (process.env['SENTRAL_MODE'] === 'production')
    throw new Error('SENTRAL_MODE is production: start the built app (node apps/sentral/dist/main.js) instead');
  if (env['NODE_ENV'] === 'production')
    throw new Error('NODE_ENV is production: the development entry brings an issuer of its own and will not');
}

/** The stand-ins speak over the mailbox of the embedded server, and keep their journals there. */
function refuseForeignServers(): void {
  for (const name of ['SENTRAL_DATABASE_URL', 'SENTRAL_NATS_URL', 'SENTRAL_DATABASE_PASSWORD_FILE'])
    if (env[name] !== undefined)
      throw new Error(`--demo stands on the embedded PostgreSQL and its mailbox: unset ${name}`);
}

async function startDemo(url: string, token: string) {
  say('sentral: stand-ins of the four services');
  const services = await startDemoServices({
    dataDir,
    adminUrl: env['SENTRAL_MIGRATOR_DATABASE_URL'] ?? '',
    passwordFile: env['SENTRAL_DATABASE_PASSWORD_FILE'] ?? '',
    say,
  });
  say(`sentral: ${await seedDemo(url, token)}`);
  return services;
}

/** An embedded server under the data folder, unless SENTRAL_DATABASE_URL names one. */
async function databaseServer() {
  if (env['SENTRAL_DATABASE_URL'] !== undefined) {
    if (env['SENTRAL_MIGRATOR_DATABASE_URL'] === undefined) {
      throw new Error(
        'SENTRAL_MIGRATOR_DATABASE_URL is missing: with a database of your own, name the login that may migrate it',
      );
    }
    return undefined;
  }
  say('sentral: starting PostgreSQL');
  const server = await startPostgres({ dataDir: path.join(dataDir, 'postgres') });
  const url = new URL(server.url);
  env['SENTRAL_DATABASE_URL'] = `postgres://${url.host}${url.pathname}`;
  env['SENTRAL_MIGRATOR_DATABASE_URL'] = server.url;
  env['SENTRAL_DATABASE_PASSWORD_FILE'] ??= secretFile('passwords', () =>
    [...contexts.flatMap((c) => [`${c}_app`, `${c}_read`, `${c}_platform`]), 'audit_retention', 'bus_app']
      .map((role) => `${role}:${randomBytes(18).toString('base64url')}`)
      .join('\n'),
  );
  return server;
}

/** Made once, readable by its owner alone. */
function secretFile(name: string, make: () => string): string {
  const file = path.join(dataDir, name);
  if (!existsSync(file) || readFileSync(file, 'utf8').trim() === '')
    writeFileSync(file, `${make()}\n`, { mode: 0o600 });
  return file;
}
