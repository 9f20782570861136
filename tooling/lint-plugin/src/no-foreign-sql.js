import { placeOf } from './rooms.js';
import { foreignSchemaIn, foreignSchemaInProse } from './sql-text.js';
import { declarationsOf, namesOf, textOf } from './syntax.js';

/**
 * No SQL of a context names another context's schema, and none declares tables in it.
 *
 * SQL for certain: what is tagged `sql`, and what is handed to `unsafe`, `execute`, `raw` or `identifier`; there every
 * schema-qualified name counts. Any other string counts when it begins like a statement and the name stands where a
 * table would. Joined literals and constants of the same file are read together. Not seen: text put together from
 * another file's values; the roles of PostgreSQL stop that one.
 */
export const noForeignSql = {
  meta: { type: 'problem', docs: { description: "SQL stays in its context's own schema." }, schema: [] },
  /** @param {any} context */
  create(context) {
    const own = placeOf(context.filename)?.context;
    if (!own) return {};
    /** @type {Map<string, any>} */
    let constants = new Map();
    const certain = new Set();
    /** @param {any} node @param {string | undefined} schema */
    const report = (node, schema) => {
      if (schema)
        context.report({ node, message: `SQL of ${own} names the schema ${schema}, which is another context's` });
    };
    return {
      /** @param {any} program */
      Program(program) {
        constants = declarationsOf(program).constants;
      },
      /** @param {any} node */
      TaggedTemplateExpression(node) {
        if (namesOf(node.tag).at(-1)?.toLowerCase() !== 'sql') return;
        certain.add(node.quasi);
        report(node, foreignSchemaIn(textOf(node.quasi, constants, true) ?? '', own));
      },
      /** @param {any} node */
      CallExpression(node) {
        const method = namesOf(node.callee).at(-1) ?? '';
        const text = textOf(node.arguments[0], constants, true);
        if (text === undefined) return;
        if (method === 'pgSchema') {
          if (text !== own)
            context.report({ node, message: `pgSchema(${text}): ${own} declares tables in its own schema only` });
        } else if (method === 'identifier' || method === 'raw') {
          report(node, foreignSchemaIn(method === 'identifier' ? `"${text}".x` : `${text} `, own));
        } else if (/^(unsafe|execute|query)$/.test(method)) {
          certain.add(node.arguments[0]);
          report(node, foreignSchemaIn(text, own));
        }
      },
      /** @param {any} node */
      Literal(node) {
        if (typeof node.value === 'string' && !certain.has(node)) report(node, foreignSchemaInProse(node.value, own));
      },
      /** @param {any} node */
      TemplateLiteral(node) {
        if (!certain.has(node)) report(node, foreignSchemaInProse(textOf(node, constants, true) ?? '', own));
      },
      /** @param {any} node */
      BinaryExpression(node) {
        if (node.parent?.type === 'BinaryExpression' || certain.has(node)) return;
        report(node, foreignSchemaInProse(textOf(node, constants, true) ?? '', own));
      },
    };
  },
};
