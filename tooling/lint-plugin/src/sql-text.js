import { foreignSchemas } from './rooms.js';

const before = String.raw`\b(?:from|join|into|update|table|view|index|trigger|references|only|truncate|lock|call|using|function|procedure|sequence|type|exists|on|copy|execute|select|returning|set|and|or|where|,|\()\s*`;

/**
 * The first name of another context's schema in a text that is known to be SQL, or undefined.
 * Quoted strings are data and left out, but for those that become names: `'task.task'::regclass`, a search_path.
 * @param {string} sql
 * @param {string} context
 */
export function foreignSchemaIn(sql, context) {
  const text = withoutComments(sql);
  for (const schema of foreignSchemas(context)) {
    const name = `(?:"${schema}"|${schema})`;
    const asName = new RegExp(String.raw`(?<![\w."$'])${name}\s*\.\s*(?:"?[a-z_])`, 'i');
    const asCast = new RegExp(String.raw`'\s*${name}\s*\.[^']*'\s*::\s*reg|to_reg\w+\s*\(\s*'\s*${name}\s*\.`, 'i');
    const asPath = new RegExp(String.raw`search_path\b[^;]*\b${schema}\b`, 'i');
    const asSchema = new RegExp(String.raw`\bschema\s+(?:if\s+(?:not\s+)?exists\s+)?${name}(?![\w"])`, 'i');
    if (asCast.test(text) || asPath.test(text)) return schema;
    const bare = text.replaceAll(/'(?:[^']|'')*'/g, "''");
    if (asName.test(bare) || asSchema.test(bare)) return schema;
  }
  return undefined;
}

/**
 * The same for a text that may be anything: here `task.created` is an event's name, so a word of SQL must stand before it.
 * @param {string} text
 * @param {string} context
 */
export function foreignSchemaInProse(text, context) {
  const statement =
    /^\s*(select|insert|update|delete|with|create|alter|drop|truncate|lock|copy|merge|call|grant|revoke|do|set)\b/i;
  if (!statement.test(withoutComments(text))) return undefined;
  return foreignSchemas(context).find((schema) =>
    new RegExp(String.raw`${before}(?:"${schema}"|${schema})\s*\.\s*"?[a-z_]`, 'i').test(text),
  );
}

/** @param {string} sql */
const withoutComments = (sql) => sql.replaceAll(/--[^\n]*/g, '').replaceAll(/\/\*[\s\S]*?\*\//g, '');
