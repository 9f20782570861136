import { isFunction, namesOf, walk } from './syntax.js';

/** @typedef {import('./syntax.js').Node} Node */

/**
 * The calls that run inside a transaction which begins here, those of functions of the same file included.
 * @param {Node} begin the call of inTransaction
 * @param {Map<string, Node>} functions
 */
export function callsInside(begin, functions) {
  const work = begin['arguments'].find(
    (/** @type {Node} */ each) => isFunction(each) || (each.type === 'Identifier' && functions.has(each['name'])),
  );
  return work ? reachable(work.type === 'Identifier' ? functions.get(work['name']) : work, functions) : [];
}

/**
 * @param {Node | undefined} start
 * @param {Map<string, Node>} functions
 * @returns {Node[]}
 */
export function reachable(start, functions) {
  const seen = new Set();
  /** @type {Node[]} */
  const calls = [];
  const queue = [start];
  for (let at = queue.pop(); at; at = queue.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    for (const node of walk(at)) {
      if (node.type === 'TaggedTemplateExpression') calls.push(node);
      if (node.type !== 'CallExpression') continue;
      calls.push(node);
      // A function given by its name (`rows.map(insertRow)`) runs here too.
      for (const each of [node['callee'], ...node['arguments']]) {
        if (each.type === 'Identifier' && functions.has(each.name)) queue.push(functions.get(each.name));
      }
    }
  }
  return calls;
}

/** @param {Node} node */
export const beginsTransaction = (node) =>
  node.type === 'CallExpression' && namesOf(node['callee']).at(-1) === 'inTransaction';

/**
 * A function that gets a transaction is inside one, wherever it was begun.
 * @param {Node} node
 */
export function takesTransaction(node) {
  if (!isFunction(node)) return false;
  return node['params'].some((/** @type {any} */ param) => {
    const id = param.type === 'AssignmentPattern' ? param.left : param;
    if (id.type !== 'Identifier') return false;
    const type = id.typeAnnotation?.typeAnnotation;
    return type?.type === 'TSTypeReference' ? type.typeName.name === 'Tx' : id.name === 'tx';
  });
}
