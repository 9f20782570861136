import { randomBytes } from 'node:crypto';
import type { ContextMigrations } from '@sentral/kernel/migrate';
import { startPostgres } from '@sentral/servers/postgres';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { dropTemplate, prepareTemplate } from './template.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** For `createTestDatabase`. */
    postgresUrl: string;
  }
}

const provided: keyof ProvidedContext = 'postgresUrl';

/**
 * What a package's test/global-setup.ts exports: one server for the run, with a migrated template.
 * The server is the embedded one, or that of SENTRAL_TEST_DATABASE_URL, on which every run has a template of its own.
 */
export function globalSetup(contexts: readonly ContextMigrations[]) {
  return async (project: TestProject): Promise<() => Promise<void>> => {
    const given = process.env['SENTRAL_TEST_DATABASE_URL'];
    if (given) {
      const name = `sentral_template_${randomBytes(6).toString('hex')}`;
      const templateUrl = await prepareTemplate(given, { contexts, name });
      project.provide(provided, templateUrl);
      return () => dropTemplate(templateUrl);
    }
    const server = await startPostgres({ unsafe: true, maxConnections: 400 });
    try {
      project.provide(provided, await prepareTemplate(server.url, { contexts }));
    } catch (error) {
      await server.stop();
      throw error;
    }
    return () => server.stop();
  };
}
