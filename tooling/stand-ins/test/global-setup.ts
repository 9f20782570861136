import { startPostgres } from '@sentral/servers/postgres';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser's URL of a server of this run. */
    postgresUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['SENTRAL_TEST_DATABASE_URL'];
  const server = given ? { url: given, stop: () => Promise.resolve() } : await startPostgres({ unsafe: true });
  project.provide('postgresUrl', server.url);
  return () => server.stop();
}
