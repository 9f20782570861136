import * as v from 'valibot';
import { problem } from './problem.js';

/** The prefix registry: every kind of thing that has an id on the wire. */
export const prefixes = {
  tnt: 'tenant',
  prj: 'project',
  env: 'environment',
  usr: 'user',
  sac: 'serviceAccount',
  tok: 'token',
  rol: 'role',
  rbd: 'roleBinding',
  dny: 'denyRule',
  plb: 'policyBinding',
  pex: 'policyExemption',
  qta: 'quotaLimit',
  hol: 'hold',
  nod: 'node',
  edg: 'edge',
  pol: 'pool',
  spc: 'addressSpace',
  blk: 'addressBlock',
  adr: 'address',
  ndm: 'numberDomain',
  rng: 'numberRange',
  alc: 'allocation',
  ali: 'allocationItem',
  plc: 'placement',
  rfs: 'refusal',
  imp: 'import',
  obs: 'observation',
  fnd: 'finding',
  net: 'network',
  mch: 'machine',
  cls: 'cluster',
  bkt: 'bucket',
  tsk: 'task',
  stp: 'step',
  sch: 'schedule',
  tfd: 'taskFinding',
  dlt: 'deadLetter',
  aud: 'auditRecord',
  log: 'auditLog',
  exp: 'auditExport',
  lgh: 'legalHold',
  evt: 'event',
  req: 'request',
} as const;

export type Prefix = keyof typeof prefixes;
export type Id<P extends Prefix = Prefix> = string & { readonly __prefix: P };

// Crockford's base 32, lower case only: another spelling of the same id would be a second key for one thing.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
// 26 digits hold 130 bits, so the first digit carries only three.
const suffixPattern = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

// Ten bits at a time through a table; BigInt was five to nine times slower.
const pairs: readonly string[] = Array.from(
  { length: 1024 },
  (_, n) => alphabet.charAt(n >> 5) + alphabet.charAt(n & 31),
);
const digitOf = new Map<string, number>(Array.from(alphabet, (digit, n) => [digit, n] as const));

/**
 * Writes a uuid as the TypeID of its kind.
 * @throws TypeError when the uuid is not in canonical lower case form: that is a bug, not a refusal.
 */
export function encodeId<P extends Prefix>(prefix: P, uuid: string): Id<P> {
  if (!uuidPattern.test(uuid)) throw new TypeError('encodeId needs a canonical lower case uuid');
  const hex = uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24);
  // Two hex digits make the first ten bits (two of them zero); then five hex digits make twenty.
  let text: string = `${prefix}_${pairs[Number.parseInt(hex.slice(0, 2), 16)]}`;
  for (let at = 2; at < 32; at += 5) {
    const bits = Number.parseInt(hex.slice(at, at + 5), 16);
    text += `${pairs[bits >> 10]}${pairs[bits & 1023]}`;
  }
  return text as Id<P>;
}

/**
 * Reads the uuid of a TypeID of this kind.
 * @throws Problem invalid-parameter
 */
export function decodeId<P extends Prefix>(prefix: P, id: string): string {
  if (!isId(prefix, id)) throw problem('invalid-parameter', { parameter: 'id', allowed: `${prefix}_…` });
  return uuidOf(id.slice(prefix.length + 1));
}

/** Tells whether text is a canonical TypeID of this kind. */
export function isId<P extends Prefix>(prefix: P, id: string): id is Id<P> {
  return id.length === 30 && id.startsWith(`${prefix}_`) && suffixPattern.test(id.slice(4));
}

/**
 * Reads a TypeID of any registered kind.
 * @throws Problem invalid-parameter
 */
export function parseId(id: string): { prefix: Prefix; uuid: string } {
  const prefix = id.slice(0, 3);
  if (!Object.hasOwn(prefixes, prefix)) throw problem('invalid-parameter', { parameter: 'id' });
  return { prefix: prefix as Prefix, uuid: decodeId(prefix as Prefix, id) };
}

/** The schema of an id of this kind: a checked string on the wire, an Id in the types. */
export function idSchema<P extends Prefix>(prefix: P): v.GenericSchema<string, Id<P>> {
  const pattern = new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`);
  // A pipe with a transform would say the same to TypeScript, but has no JSON Schema.
  return v.pipe(v.string(), v.regex(pattern, `must be an id ${prefix}_…`)) as never;
}

function uuidOf(suffix: string): string {
  const digit = (at: number): number => digitOf.get(suffix.charAt(at)) ?? 0;
  let hex = ((digit(0) << 5) | digit(1)).toString(16).padStart(2, '0');
  for (let at = 2; at < 26; at += 4) {
    const bits = (digit(at) << 15) | (digit(at + 1) << 10) | (digit(at + 2) << 5) | digit(at + 3);
    hex += bits.toString(16).padStart(5, '0');
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
