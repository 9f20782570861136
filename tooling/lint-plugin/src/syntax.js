/**
 * What the rules know of the syntax tree. The tree is ESTree with TypeScript's nodes, as oxlint hands it over.
 * @typedef {{ type: string, parent?: Node, [key: string]: any }} Node
 */

/**
 * The text of an expression that is fixed when the file is read: literals, joined literals, templates of them, and names
 * of constants declared in the same file. Unknown parts of a template become a blank when `lenient`.
 * @param {Node | null | undefined} node
 * @param {Map<string, Node>} constants
 * @param {boolean} [lenient]
 * @returns {string | undefined}
 */
export function textOf(node, constants, lenient = false) {
  if (!node) return undefined;
  const part = (/** @type {Node} */ inner) => textOf(inner, constants, lenient) ?? (lenient ? ' ' : undefined);
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? node.value : undefined;
    case 'TemplateLiteral': {
      const pieces = node.quasis.flatMap((/** @type {Node} */ quasi, /** @type {number} */ at) => {
        const after = node.expressions[at];
        return [quasi.value.cooked ?? quasi.value.raw, ...(after ? [part(after)] : [])];
      });
      return pieces.includes(undefined) ? undefined : pieces.join('');
    }
    case 'BinaryExpression': {
      if (node.operator !== '+') return undefined;
      const [left, right] = [part(node.left), part(node.right)];
      return left === undefined || right === undefined ? undefined : left + right;
    }
    case 'Identifier': {
      const value = constants.get(node.name);
      return value && value.type !== 'Identifier' ? textOf(value, new Map(), lenient) : undefined;
    }
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'ParenthesizedExpression':
    case 'TSLiteralType':
      return textOf(node.expression ?? node.literal, constants, lenient);
    default:
      return undefined;
  }
}

/**
 * The names along a call's callee: `deps.tenancy.project.get` gives all four. Unknown steps give ''.
 * @param {Node | null | undefined} node
 * @returns {string[]}
 */
export function namesOf(node) {
  if (!node) return [];
  switch (node.type) {
    case 'Identifier':
    case 'PrivateIdentifier':
      return [node.name];
    case 'ThisExpression':
      return ['this'];
    case 'MemberExpression': {
      const step = node.computed
        ? typeof node.property.value === 'string'
          ? node.property.value
          : ''
        : node.property.name;
      return [...namesOf(node.object), step];
    }
    case 'ChainExpression':
    case 'TSNonNullExpression':
    case 'TSAsExpression':
    case 'ParenthesizedExpression':
    case 'AwaitExpression':
      return namesOf(node.expression ?? node.argument);
    case 'CallExpression':
      return [...namesOf(node.callee), ''];
    default:
      return [''];
  }
}

/** @param {Node | null | undefined} node */
export const isFunction = (node) =>
  node?.type === 'ArrowFunctionExpression' ||
  node?.type === 'FunctionExpression' ||
  node?.type === 'FunctionDeclaration';

/**
 * Every node under this one, itself included.
 * @param {any} node
 * @returns {Generator<Node>}
 */
export function* walk(node) {
  if (Array.isArray(node)) {
    for (const each of node) yield* walk(each);
    return;
  }
  if (!node || typeof node !== 'object' || typeof node.type !== 'string') return;
  yield node;
  for (const key of Object.keys(node)) {
    if (key === 'parent' || key === 'loc' || key === 'range' || key === 'start' || key === 'end') continue;
    const value = node[key];
    if (value && typeof value === 'object') yield* walk(value);
  }
}

/**
 * What a file declares by name: functions (also those held by a constant) and constants with their first value.
 * @param {Node} program
 */
export function declarationsOf(program) {
  /** @type {Map<string, Node>} */
  const functions = new Map();
  /** @type {Map<string, Node>} */
  const constants = new Map();
  for (const node of walk(program)) {
    if (node.type === 'FunctionDeclaration' && node.id) functions.set(node.id.name, node);
    if (node.type !== 'VariableDeclaration' || node.kind !== 'const') continue;
    for (const { id, init } of node.declarations) {
      if (id.type !== 'Identifier' || !init) continue;
      if (isFunction(init)) functions.set(id.name, init);
      else constants.set(id.name, init);
    }
  }
  return { functions, constants };
}
