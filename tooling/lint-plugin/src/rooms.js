import path from 'node:path';

/** The bounded contexts: each owns the PostgreSQL schema of its name. */
export const contexts = ['tenancy', 'inventory', 'task', 'audit'];

/** Schemas that a context's SQL may not name, besides those of the other contexts. */
export const otherSchemas = ['bus'];

const contextSource = { sentral: ['contracts', 'kernel'], outside: undefined };

/**
 * Who may import whom (architecture.md 1). `sentral`: packages of the workspace, by name, with the subpath where only
 * one is allowed. `outside`: the packages from elsewhere, where the list is closed.
 * @type {Record<string, { sentral: string[], outside: string[] | undefined }>}
 */
export const rooms = {
  'packages/contracts': { sentral: [], outside: ['valibot'] },
  'packages/kernel': { sentral: ['contracts'], outside: undefined },
  'packages/tenancy': contextSource,
  'packages/inventory': contextSource,
  'packages/task': contextSource,
  'packages/audit': contextSource,
  'apps/sentral': {
    sentral: [...contexts.map((context) => `${context}!root`), 'contracts', 'kernel'],
    outside: undefined,
  },
  'apps/migrator': {
    sentral: [...contexts.flatMap((context) => [`${context}/migrations`, `${context}/operate`]), 'kernel'],
    outside: undefined,
  },
};

/** The development entry of apps/sentral starts the embedded servers, runs the migrator and plays the domain services. */
const developmentEntry = /^src\/(development|demo)(\/|[.-])/;

/**
 * Where a file stands: its room, its path inside, its context if it has one, and whether it is shipped.
 * @param {string} filename
 */
export function placeOf(filename) {
  const found = /^(.*\/|)(packages|apps|tooling)\/([a-z-]+)\/(.+)$/.exec(filename.replaceAll(path.sep, '/'));
  if (!found) return undefined;
  const [, above = '', kind, name = '', inside = ''] = found;
  return {
    room: `${kind}/${name}`,
    name,
    folder: `${above}${kind}/${name}`,
    inside,
    context: kind === 'packages' && contexts.includes(name) ? name : undefined,
    shipped: inside.startsWith('src/') && !/\.(test|testing)\.[cm]?[jt]sx?$/.test(inside),
    development: kind === 'apps' && developmentEntry.test(inside),
  };
}

/**
 * Schemas that the SQL of this context must not name.
 * @param {string} context
 */
export const foreignSchemas = (context) => [...contexts, ...otherSchemas].filter((name) => name !== context);
