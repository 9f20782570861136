import type { Difference } from '@sentral/contracts/inventory/finding';
import type { Node } from '@sentral/contracts/inventory/node';
import type { Observation } from '@sentral/contracts/inventory/observation';
import { sameJson } from '@sentral/contracts/merge-patch';
import { bounded, type Verdict } from '../finding/rules.js';

/** A node as far as an observation can be held against it. */
export interface Intended {
  readonly state: Node['state'];
  readonly intent: Node['intent'];
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** What a source told of a node; what it left out it does not know. */
export type Told = Pick<Observation, 'state' | 'attributes' | 'specHash'>;

/** Being made, given back or taken away: what is seen meanwhile is neither right nor wrong. */
const moving: ReadonlySet<string> = new Set(['provisioning', 'removing', 'releasing', 'scrubbing']);
/** May well not be there. */
const notYet: ReadonlySet<string> = new Set(['planned', 'staged']);

/** Holds what was seen against what is intended. */
export function verdictOf({ state, intent, attributes }: Intended, told: Told): Verdict {
  if (moving.has(state)) return { is: 'unclear' };
  const gone = told.state === 'absent' || told.state === 'retired';
  if (state === 'retired')
    return gone ? { is: 'as-intended' } : { is: 'different', kind: 'foreign', differences: stateOf(state, told) };
  if (gone)
    return notYet.has(state) || intent === 'expunged'
      ? { is: 'as-intended' }
      : { is: 'different', kind: 'missing', differences: stateOf(state, told) };
  const differences = [
    ...(told.state === undefined || told.state === state ? [] : stateOf(state, told)),
    ...Object.entries(told.attributes ?? {})
      .filter(([key, value]) => !sameJson(attributes[key] ?? null, value ?? null))
      .map(([key, observed]) => ({ field: attributeField(key), expected: attributes[key], observed })),
    ...(hasHash(attributes) && told.specHash !== undefined && told.specHash !== attributes['specHash']
      ? [{ field: '/specHash', expected: attributes['specHash'], observed: told.specHash }]
      : []),
  ];
  return differences.length === 0
    ? { is: 'as-intended' }
    : { is: 'different', kind: 'drift', differences: bounded(differences) };
}

/** Which fields of a drift a source has looked at. */
export function looksAt(told: Told): (field: string) => boolean {
  const fields = new Set(Object.keys(told.attributes ?? {}).map(attributeField));
  if (told.state !== undefined) fields.add('/state');
  if (told.specHash !== undefined) fields.add('/specHash');
  return (field) => fields.has(field);
}

const stateOf = (expected: string, { state: observed }: Told): Difference[] => [
  { field: '/state', expected, ...(observed === undefined ? {} : { observed }) },
];

const hasHash = (attributes: Intended['attributes']): boolean => typeof attributes['specHash'] === 'string';

/** As a JSON pointer (RFC 6901). */
const attributeField = (key: string): string => `/attributes/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
