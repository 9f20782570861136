export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** JSON in which `{"$from": "/steps/<key>/output/…"}` and `{"$concat": […]}` stand for what is known only later. */
export type Template = Json;

export interface Scope {
  readonly taskId: string;
  readonly input: Json;
  /** Output of a step that succeeded; null of one that was passed over; undefined of one that has not ended. */
  readonly outputOf: (key: string) => Json | undefined;
}

export type Resolved = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly reason: string };

/** Fills a template in. A path that leads nowhere is a refusal, never a hole in what a service is asked to do. */
export function resolve(template: Template, scope: Scope): Resolved {
  try {
    return { ok: true, value: fill(template, scope) };
  } catch (error) {
    if (error instanceof Error && error.name === 'Unresolved') return { ok: false, reason: error.message };
    throw error;
  }
}

/** Every path that a template refers to, and what is wrong in it. */
export function referencesOf(template: Template): {
  readonly paths: readonly string[];
  readonly wrong: readonly string[];
} {
  const paths: string[] = [];
  const wrong: string[] = [];
  const walk = (part: Template): void => {
    if (Array.isArray(part)) for (const each of part as readonly Json[]) walk(each);
    else if (isMap(part)) {
      const keys = Object.keys(part);
      const directive = keys.find((key) => key.startsWith('$'));
      if (directive === undefined) for (const each of Object.values(part)) walk(each);
      else if (keys.length > 1) wrong.push(`${directive} stands with other keys`);
      else if (directive === '$from' && typeof part[directive] === 'string') paths.push(part[directive]);
      else if (directive === '$concat' && Array.isArray(part[directive])) walk(part[directive]);
      else wrong.push(`${directive} is not known`);
    }
  };
  walk(template);
  for (const path of paths) if (!pathPattern.test(path)) wrong.push(`${path} is not a path`);
  return { paths, wrong };
}

/** The step that a path refers to, if it is one. */
export function stepOfPath(path: string): string | undefined {
  return /^\/steps\/([^/]+)\/output(?:\/|$)/.exec(path)?.[1];
}

const pathPattern = /^(?:\/input(?:\/.*)?|\/steps\/[^/]+\/output(?:\/.*)?|\/task\/id)$/s;

function fill(template: Template, scope: Scope): Json {
  if (Array.isArray(template)) return (template as readonly Json[]).map((each) => fill(each, scope));
  if (!isMap(template)) return template;
  const { $from: path, $concat: parts } = template;
  if (typeof path === 'string') return at(path, scope);
  if (Array.isArray(parts)) return (parts as readonly Json[]).map((each) => textOf(fill(each, scope))).join('');
  // fromEntries defines, so that a key __proto__ stays a key.
  return Object.fromEntries(Object.entries(template).map(([key, each]) => [key, fill(each, scope)]));
}

function at(path: string, scope: Scope): Json {
  const [, root, ...rest] = path.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (root === 'task') return scope.taskId;
  if (root === 'input') return follow(scope.input, rest, path);
  const [key, , ...inside] = rest;
  const output = key === undefined ? undefined : scope.outputOf(key);
  if (output === undefined) throw unresolved(path);
  // A step that was passed over has no output: whoever needs it hears null, at any depth.
  return output === null ? null : follow(output, inside, path);
}

function follow(value: Json, tokens: readonly string[], path: string): Json {
  let found: Json | undefined = value;
  for (const token of tokens) {
    if (Array.isArray(found))
      found = /^(?:0|[1-9][0-9]*)$/.test(token) ? (found as readonly Json[])[Number(token)] : undefined;
    else found = isMap(found) && Object.hasOwn(found, token) ? found[token] : undefined;
    if (found === undefined) throw unresolved(path);
  }
  return found;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const isMap = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unresolved = (path: string): Error => Object.assign(new Error(`${path} leads nowhere`), { name: 'Unresolved' });
