import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { importsOf } from './imports.js';
import { contexts, placeOf, rooms } from './rooms.js';

/**
 * Architecture.md 1, "who may import whom, and nothing else", for every form of import: static, type-only, re-export,
 * dynamic, `import('…').T`, require, createRequire, import.meta.resolve, `declare module`, triple-slash references.
 * Tests of a package may use tooling, but no test of a context may touch another context.
 *
 * Not seen: a specifier put together at run time is refused as unreadable; `eval` is refused by another rule.
 */
export const roomImports = {
  meta: { type: 'problem', docs: { description: 'Rooms import only what architecture.md 1 allows.' }, schema: [] },
  /** @param {any} context */
  create(context) {
    const place = placeOf(context.filename);
    if (!place || !rooms[place.room]) return {};
    return {
      /** @param {any} program */
      Program(program) {
        for (const { node, specifier } of importsOf(program, context.sourceCode.getAllComments())) {
          const reason =
            specifier === undefined
              ? 'this import cannot be read from the text; write its module as a plain string'
              : refusalOf(place, specifier, context.filename);
          if (reason) context.report({ node, message: reason });
        }
      },
    };
  },
};

/**
 * Why this place may not import that module, or undefined when it may.
 * @param {NonNullable<ReturnType<typeof placeOf>>} place
 * @param {string} specifier
 * @param {string} filename
 * @returns {string | undefined}
 */
export function refusalOf(place, specifier, filename) {
  if (specifier.startsWith('#')) return `${specifier}: subpath aliases hide where an import leads; use a relative path`;
  if (/^(\.{1,2}(\/|$)|\/|file:)/.test(specifier)) return relativeRefusal(place, specifier, filename);
  if (specifier.startsWith('@sentral/')) return sentralRefusal(place, specifier.slice('@sentral/'.length));
  const allowed = rooms[place.room]?.outside;
  if (!allowed || !place.shipped) return undefined;
  const name = packageOf(specifier);
  return allowed.includes(name) ? undefined : `${place.room} may import ${allowed.join(', ')} only, not ${specifier}`;
}

/**
 * @param {NonNullable<ReturnType<typeof placeOf>>} place
 * @param {string} specifier
 * @param {string} filename
 */
function relativeRefusal(place, specifier, filename) {
  const target = specifier.startsWith('file:')
    ? fileURLToPath(specifier)
    : path.resolve(path.dirname(filename), specifier);
  const inside = path.relative(path.resolve(place.folder), target);
  if (inside === '..' || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside)) {
    return `${specifier} leads out of ${place.room}; import the other package by its name, if it may be imported at all`;
  }
  return place.shipped && !inside.startsWith(`src${path.sep}`) && !inside.endsWith('.json')
    ? `${specifier} leads out of src`
    : undefined;
}

/**
 * @param {NonNullable<ReturnType<typeof placeOf>>} place
 * @param {string} target name and subpath, without the scope
 */
function sentralRefusal(place, target) {
  const [name = '', ...rest] = target.split('/');
  if (`packages/${name}` === place.room || (place.room === 'apps/sentral' && name === 'app')) {
    return `@sentral/${target}: a package does not import itself by name; use a relative path`;
  }
  const allowed = rooms[place.room]?.sentral ?? [];
  const ok =
    allowed.includes(name) || allowed.includes(target) || (rest.length === 0 && allowed.includes(`${name}!root`));
  if (ok) return undefined;
  const foreignContext = contexts.includes(name) && place.room.startsWith('packages/');
  if (!foreignContext && (!place.shipped || place.development)) return undefined;
  return `${place.room} may not import @sentral/${target}`;
}

/** @param {string} specifier */
const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
