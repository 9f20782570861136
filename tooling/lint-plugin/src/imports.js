import { declarationsOf, namesOf, textOf, walk } from './syntax.js';

/** @typedef {import('./syntax.js').Node} Node */

/**
 * Every way in which a file reaches another module. `specifier` is undefined where it cannot be read from the text.
 * @param {Node} program
 * @param {{ type: string, value: string, range?: [number, number], loc?: unknown }[]} comments
 * @returns {{ node: any, specifier: string | undefined }[]}
 */
export function importsOf(program, comments) {
  const { constants } = declarationsOf(program);
  const requires = requireNames(program);
  /** @type {{ node: any, specifier: string | undefined }[]} */
  const found = [];
  for (const node of walk(program)) {
    const source = sourceOf(node, requires);
    if (source) found.push({ node, specifier: textOf(source, constants) });
    if (node.type === 'TSModuleDeclaration' && node.id?.type === 'Literal')
      found.push({ node, specifier: node.id.value });
  }
  for (const comment of comments) {
    const reference = /^\/\s*<reference\s+(?:path|types)\s*=\s*["']([^"']+)["']/.exec(comment.value);
    if (comment.type === 'Line' && reference) found.push({ node: comment, specifier: reference[1] });
  }
  return found;
}

/**
 * @param {Node} node
 * @param {Set<string>} requires
 * @returns {Node | undefined}
 */
function sourceOf(node, requires) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'ImportExpression':
      return node.source ?? undefined;
    case 'TSImportType':
      return node.source ?? node.argument ?? node.parameter;
    case 'TSExternalModuleReference':
      return node.expression;
    case 'CallExpression': {
      const names = namesOf(node.callee);
      const direct = node.callee.type === 'CallExpression' && isCreateRequire(namesOf(node.callee.callee));
      const named = names.length > 0 && requires.has(names[0] ?? '') && (names.length === 1 || names[1] === 'resolve');
      const meta = node.callee.type === 'MemberExpression' && node.callee.object.type === 'MetaProperty';
      const mocked = names[0] === 'vi' && /^(mock|doMock|importActual|importMock)$/.test(names[1] ?? '');
      return direct || named || meta || mocked ? node.arguments[0] : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * Names that load modules: `require`, and whatever holds the result of createRequire.
 * @param {Node} program
 */
function requireNames(program) {
  const names = new Set(['require']);
  for (const node of walk(program)) {
    if (node.type !== 'VariableDeclarator' || node.init?.type !== 'CallExpression') continue;
    if (isCreateRequire(namesOf(node.init.callee)) && node.id.type === 'Identifier') names.add(node.id.name);
  }
  return names;
}

/** @param {string[]} names */
const isCreateRequire = (names) => (names.at(-1) ?? '').startsWith('createRequire');
