import { startPostgres } from '@sentral/servers/postgres';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser's. No template here: making the schemas is what is tested. */
    postgresUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['SENTRAL_TEST_DATABASE_URL'];
  const server = given ? undefined : await startPostgres({ unsafe: true, maxConnections: 200 });
  project.provide('postgresUrl', given ?? server?.url ?? '');
  return async () => server?.stop();
}
