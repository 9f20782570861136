import { importsOf } from './imports.js';
import { placeOf } from './rooms.js';
import { namesOf } from './syntax.js';

const driver = /^(postgres|drizzle-orm\/postgres-js)(\/|$)/;
/** Names under which a client of the driver goes; `server.listen` of an HTTP server is another thing. */
const clientName = /^(sql|client|postgres|pg|db|database|connection|admin)$/i;

/**
 * database.md 1: the kernel owns the only construction of clients. Elsewhere nobody imports `postgres` or
 * `drizzle-orm/postgres-js`, and nobody at all calls `begin` or `listen` of a client: as a pool with `sql.begin` the
 * driver loses acknowledged writes. Kernel tests may, to show exactly that.
 *
 * Heuristic: a call of `begin`, `listen`, `subscribe` or `reserve` on something named like a client.
 */
export const kernelOwnsPostgres = {
  meta: { type: 'problem', docs: { description: 'The driver is used by the kernel alone.' }, schema: [] },
  /** @param {any} context */
  create(context) {
    const place = placeOf(context.filename);
    if (!place || (place.room === 'packages/kernel' && !place.shipped)) return {};
    return {
      /** @param {any} program */
      Program(program) {
        if (place.room === 'packages/kernel') return;
        for (const { node, specifier } of importsOf(program, context.sourceCode.getAllComments())) {
          if (specifier === undefined || !driver.test(specifier)) continue;
          context.report({
            node,
            message: `${specifier} is imported by the kernel alone; use @sentral/kernel/database`,
          });
        }
      },
      /** @param {any} node */
      CallExpression(node) {
        const names = namesOf(node.callee);
        const [method = '', owner = ''] = names.toReversed();
        if (!/^(begin|listen|subscribe|reserve)$/.test(method) || !clientName.test(owner)) return;
        context.report({ node, message: `${owner}.${method} loses writes; use inTransaction, or the relay's wake-up` });
      },
    };
  },
};
