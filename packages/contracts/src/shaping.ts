import type * as v from 'valibot';
import { problem } from './problem.js';
import type { RouteDef } from './route.js';

/** How many expansions one request may ask for, and how many items a page then has at most: each is a look-up of its own. */
export const expandMax = 3;
export const expandedPageMax = 100;

/** What a caller may ask of the shape of an answer: its top-level fields, and what its ids name laid beside them. */
export interface Offer {
  /** Of each item of a page; else of the answer itself. */
  readonly list: boolean;
  readonly fields: readonly string[];
  readonly expand: readonly string[];
}

export interface Shape {
  readonly fields?: readonly string[];
  readonly expand?: readonly string[];
}

type Entries = Readonly<Record<string, v.GenericSchema>>;

/** The fields of an object schema; of a union those of every member. */
function entriesOf(schema: unknown): Entries | undefined {
  const { entries, options } = (schema ?? {}) as { entries?: Entries; options?: readonly unknown[] };
  if (entries !== undefined) return entries;
  const members = options?.map(entriesOf);
  return members === undefined || members.includes(undefined) ? undefined : (Object.assign({}, ...members) as Entries);
}

/** The fields of what a GET shows: of the one resource that has an ETag, or of each item of a list. */
function shownBy(def: RouteDef): { entries: Entries | undefined; list: boolean } {
  const answer = def.method === 'GET' ? def.responses[200] : undefined;
  const entries = entriesOf(answer?.schema);
  if (answer?.headers?.['etag'] !== undefined) return { entries, list: false };
  const { item } = (entries?.['items'] ?? {}) as { item?: unknown };
  return { entries: entriesOf(item), list: true };
}

/** What a route offers, from its answer alone and the names in `expand`; undefined where there is no resource to cut. */
export function offerOf(def: RouteDef): Offer | undefined {
  const { entries, list } = shownBy(def);
  const strange = def.expand?.find((name) => entries === undefined || !Object.hasOwn(entries, `${name}Id`));
  if (strange !== undefined) throw new TypeError(`${def.operationId} shows no ${strange}Id to expand`);
  if (entries === undefined) return undefined;
  // `replayed` says how an answer travelled, and nothing of the resource.
  return { list, fields: Object.keys(entries).filter((name) => name !== 'replayed'), expand: def.expand ?? [] };
}

/**
 * Reads `fields` and `expand`, repeated or with commas.
 * @throws Problem invalid-parameter
 */
export function readShape(offer: Offer | undefined, query: URLSearchParams): Shape {
  const expand = named(query, 'expand', offer?.expand);
  if (expand !== undefined && expand.length > expandMax)
    throw problem('invalid-parameter', { parameter: 'expand' }, `At most ${expandMax}.`);
  const fields = named(query, 'fields', offer?.fields);
  return { ...(fields === undefined ? {} : { fields }), ...(expand === undefined ? {} : { expand }) };
}

function named(query: URLSearchParams, parameter: string, offered: readonly string[] = []): string[] | undefined {
  if (!query.has(parameter)) return undefined;
  const names = [...new Set(query.getAll(parameter).flatMap((text) => text.split(',')))];
  const unknown = names.find((name) => !offered.includes(name));
  if (unknown === undefined) return names;
  const offer = offered.length === 0 ? 'Not offered here.' : `Offered: ${offered.join(', ')}.`;
  throw problem('invalid-parameter', { parameter }, offer);
}

/** The two parameters as OpenAPI has them. */
export function shapeParameters(def: RouteDef): Record<string, unknown>[] {
  const offer = offerOf(def);
  if (offer === undefined) return [];
  const list = (name: string, description: string, values: { enum: readonly string[]; maxItems?: number }) => {
    const { maxItems, ...items } = values;
    const schema = {
      type: 'array',
      items: { type: 'string', ...items },
      ...(maxItems === undefined ? {} : { maxItems }),
    };
    return { in: 'query', name, required: false, style: 'form', explode: false, description, schema };
  };
  const expands = `The resource that each id names, beside it and without Id, where the caller may see it. At most ${expandMax}; a page then has at most ${expandedPageMax} items.`;
  return [
    list('fields', 'Only these top-level fields, and no ETag.', { enum: offer.fields }),
    ...(offer.expand.length === 0 ? [] : [list('expand', expands, { enum: offer.expand, maxItems: expandMax })]),
  ];
}
