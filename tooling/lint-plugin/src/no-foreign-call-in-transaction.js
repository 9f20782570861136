import { contexts, placeOf } from './rooms.js';
import { declarationsOf, namesOf, walk } from './syntax.js';
import { beginsTransaction, callsInside, reachable, takesTransaction } from './transactions.js';

const outside = new Set([
  ...contexts,
  ...contexts.map((name) => `${name}Contract`),
  'bus',
  'nats',
  'http',
  'https',
  'remote',
  'services',
]);
/** What only holds the others, and is stepped over: `deps.tenancy.project.get` is a call of tenancy. */
const holders = new Set(['this', 'deps', 'context', 'contexts', 'peers', 'globalThis']);

/**
 * Inside a transaction only `tx` is awaited: no bus, no fetch, no other context. A slow answer would hold row locks, and
 * what the other one did stays done when this transaction rolls back.
 *
 * Inside are: the function given to inTransaction, functions of the same file that it calls, and every function with a
 * parameter `tx` or of type `Tx`. A call counts when its path begins with a context's name, `bus`, `fetch` and their
 * like, after `deps`. Not seen: a contract under another name, and helpers of another file that take no Tx.
 */
export const noForeignCallInTransaction = {
  meta: { type: 'problem', docs: { description: 'Inside a transaction only tx is awaited.' }, schema: [] },
  /** @param {any} context */
  create(context) {
    const place = placeOf(context.filename);
    if (!place?.shipped || place.room.startsWith('tooling/')) return {};
    return {
      /** @param {any} program */
      Program(program) {
        const { functions } = declarationsOf(program);
        const reported = new Set();
        for (const node of walk(program)) {
          const inside = beginsTransaction(node)
            ? callsInside(node, functions)
            : takesTransaction(node)
              ? reachable(node, functions)
              : [];
          for (const call of inside) {
            const name = foreignNameOf(call, place.context);
            if (!name || reported.has(call)) continue;
            reported.add(call);
            context.report({ node: call, message: `${name} is called inside a transaction; do it before or after` });
          }
        }
      },
    };
  },
};

/**
 * @param {any} call
 * @param {string | undefined} own
 */
function foreignNameOf(call, own) {
  if (call.type !== 'CallExpression') return undefined;
  const names = namesOf(call.callee);
  while (names.length > 1 && holders.has(names[0] ?? '')) names.shift();
  const [first = ''] = names;
  if (first === 'fetch' && names.length === 1) return 'fetch';
  return names.length > 1 && outside.has(first) && first !== own ? names.join('.') : undefined;
}
