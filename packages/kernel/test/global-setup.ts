import { startNats } from '@sentral/servers/nats';
import { startPostgres } from '@sentral/servers/postgres';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser's URL of a server of this run. */
    postgresUrl: string;
    /** Empty where SENTRAL_TEST_WITHOUT_NATS=1 lets a person go on without. */
    natsUrl: string;
  }
}

/** One PostgreSQL and one NATS for the run; what the environment names is used instead. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['SENTRAL_TEST_DATABASE_URL'];
  const postgres = given
    ? { url: given, stop: () => Promise.resolve() }
    : await startPostgres({ unsafe: true, maxConnections: 200 });
  try {
    const nats =
      process.env['SENTRAL_TEST_WITHOUT_NATS'] === '1' ? { url: '', stop: () => Promise.resolve() } : await startNats();
    project.provide('postgresUrl', postgres.url);
    project.provide('natsUrl', nats.url);
    return async () => {
      await nats.stop();
      await postgres.stop();
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
