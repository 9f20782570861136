import { placeOf } from './rooms.js';
import { declarationsOf, namesOf, textOf, walk } from './syntax.js';
import { beginsTransaction, callsInside } from './transactions.js';

const writes = /^(insert|amend|end)[A-Z]\w*/;
const writingSql =
  /^\s*(?:with\b[\s\S]*?\b)?(insert\s+into|update|delete\s+from|merge\s+into)\s+"?(?:\w+"?\s*\.\s*"?)?([a-z_]+)/i;

/**
 * A transaction that changes an audited table records its feed row in the same commit; one that does not is a change
 * without a trace, and the deferred guard would refuse it at COMMIT. This finds it before it runs.
 *
 * Looks at each inTransaction of a context's source. Writing: a call of a statement `insert…`, `amend…`, `end…`, or SQL
 * text that inserts, updates or deletes. Recording: a call of `record` or `record…`. Functions of the same file are
 * followed. Bookkeeping tables need no event: the option `bookkeeping` names, per context, what stands after the verb of
 * a statement's name, or the table's name in SQL; the kernel's six tables are known.
 */
export const noSilentWrite = {
  meta: {
    type: 'problem',
    docs: { description: 'A transaction that changes an audited table records a feed row.' },
    schema: [{ type: 'object', properties: { bookkeeping: { type: 'object' } }, additionalProperties: false }],
  },
  /** @param {any} context */
  create(context) {
    const place = placeOf(context.filename);
    if (!place?.context || !place.shipped || place.inside === 'src/operate.ts') return {};
    const exempt = new Set(
      [
        'feed',
        'outbox',
        'inbox',
        'idempotency',
        'operation',
        'lease',
        ...(context.options?.[0]?.bookkeeping?.[place.context] ?? []),
      ].map(plain),
    );
    return {
      /** @param {any} program */
      Program(program) {
        const { functions, constants } = declarationsOf(program);
        for (const node of walk(program)) {
          if (!beginsTransaction(node)) continue;
          const calls = callsInside(node, functions);
          if (calls.some((call) => /^record([A-Z]|$)/.test(calleeOf(call)))) continue;
          const write = calls
            .map((call) => writtenBy(call, constants))
            .find((what) => what && !exempt.has(plain(what)));
          if (write)
            context.report({ node, message: `this transaction writes ${write} and records nothing in the feed` });
        }
      },
    };
  },
};

/** @param {any} call */
const calleeOf = (call) => (call.type === 'CallExpression' ? (namesOf(call.callee).at(-1) ?? '') : '');

/** `ImportRow`, `import_row` and `importRows` are one name. @param {string} name */
const plain = (name) => name.replaceAll('_', '').toLowerCase().replace(/s$/, '');

/**
 * What a call writes: the words after the verb of the statement's name, or the table in the SQL.
 * @param {any} call
 * @param {Map<string, any>} constants
 */
function writtenBy(call, constants) {
  if (call.type === 'TaggedTemplateExpression') {
    if (namesOf(call.tag).at(-1)?.toLowerCase() !== 'sql') return undefined;
    return writingSql.exec(textOf(call.quasi, constants, true) ?? '')?.[2];
  }
  const callee = calleeOf(call);
  if (callee === 'unsafe') return writingSql.exec(textOf(call.arguments[0], constants, true) ?? '')?.[2];
  return writes.test(callee) ? callee.replace(/^(insert|amend|end)/, '') : undefined;
}
