import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './steps.mjs';

const built = (file) => import(pathToFileURL(path.join(root, file)).href);

/**
 * The version that the server of the tests reports. It is part of what a cached result answers for: a green run on
 * PostgreSQL 18 says nothing about 15.
 */
export async function postgresVersion() {
  const url = process.env.SENTRAL_TEST_DATABASE_URL;
  if (!url) return (await built('tooling/servers/dist/postgres.js')).embeddedPostgresVersion();
  const { openDatabase } = await built('packages/kernel/dist/database.js');
  const db = openDatabase({ url, applicationName: 'sentral-tests', poolSize: 1 });
  try {
    const [row] = await db.sql`select current_setting('server_version') as version`;
    return row.version;
  } finally {
    await db.close();
  }
}

/** Fetches the program once, before several packages want it at the same time. */
export async function natsServer() {
  if (process.env.SENTRAL_TEST_NATS_URL) return process.env.SENTRAL_TEST_NATS_URL;
  if (process.env.SENTRAL_TEST_WITHOUT_NATS === '1') return 'none, as SENTRAL_TEST_WITHOUT_NATS says';
  return (await built('tooling/servers/dist/nats.js')).findNatsServer();
}
