import { problem } from '@sentral/contracts/problem';
import type { Body } from '../change-set.js';
import { jsonArrayElements } from '../json-array.js';
import { isLookup, keptFields, type KeptModel } from './fields.js';

export type Fields = Readonly<Record<string, unknown>>;

export interface Row {
  readonly model: KeptModel;
  readonly pk: number;
  readonly key: string;
  readonly line: number;
  readonly fields: Fields;
}

export interface Refusal {
  readonly key: string;
  readonly line: number;
  readonly reason: string;
}

/** A NetBox dump reduced to what is kept: rows by model and primary key, and how many rows of each other model there were. */
export interface Dump {
  readonly rows: ReadonlyMap<string, ReadonlyMap<number, Row>>;
  /** Rows without a primary key (made with --natural-primary) that still carry meaning: taggings. */
  readonly keyless: ReadonlyMap<string, readonly Row[]>;
  readonly skipped: ReadonlyMap<string, number>;
  readonly refused: readonly Refusal[];
}

const blank = (value: unknown): boolean => value === null || value === undefined || value === '';

/** Drops what says nothing: an unset choice is "" up to 4.1 and null from 4.2, and both must give the same resource. */
function keep(fields: Readonly<Record<string, unknown>>, names: readonly string[]): Fields {
  const out: Record<string, unknown> = {};
  for (const name of names) {
    // `scope_type: null` is kept, since its presence tells the layout of 4.2 from an older one.
    const value = fields[name];
    if (value === undefined) continue;
    if (blank(value) && name !== 'scope_type' && name !== 'termination_type') continue;
    out[name] = value;
  }
  return out;
}

/**
 * Reads a dump while it arrives. Passwords, sessions and logs are counted by model and never kept.
 * @throws Problem malformed-request, content-too-large
 */
export async function readDump(body: Body, elementBytes: number): Promise<Dump> {
  const rows = new Map<string, Map<number, Row>>();
  const keyless = new Map<string, Row[]>();
  const skipped = new Map<string, number>();
  const refused: Refusal[] = [];
  let seen = 0;
  for await (const { value, index, position } of jsonArrayElements(body, elementBytes)) {
    const { model, pk, fields } = value as { model?: unknown; pk?: unknown; fields?: unknown };
    if (typeof model !== 'string' || typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      if (seen === 0) {
        throw problem(
          'malformed-request',
          { position, row: index },
          `The file is JSON but not a NetBox dump: row ${index} has no model and fields (byte ${position}).`,
        );
      }
      refused.push({ key: `#${index}`, line: index, reason: 'the row has no model and fields' });
      continue;
    }
    seen += 1;
    const names = keptFields(model);
    if (names === undefined || isLookup(model)) skipped.set(model, (skipped.get(model) ?? 0) + 1);
    if (names === undefined) continue;
    const kept = keep(fields as Fields, names);
    if (typeof pk !== 'number' || !Number.isSafeInteger(pk)) {
      if (isLookup(model)) {
        const list = keyless.get(model) ?? [];
        keyless.set(model, list);
        list.push({ model: model as KeptModel, pk: -1, key: `${model}:#${index}`, line: index, fields: kept });
      } else refused.push({ key: `${model}:#${index}`, line: index, reason: 'the row has no primary key' });
      continue;
    }
    const key = `${model}:${pk}`;
    const ofModel = rows.get(model) ?? new Map<number, Row>();
    rows.set(model, ofModel);
    if (ofModel.has(pk))
      refused.push({
        key: `${key}#${index}`,
        line: index,
        reason: `${key} occurs twice in the file; the first is taken`,
      });
    else ofModel.set(pk, { model: model as KeptModel, pk, key, line: index, fields: kept });
  }
  return { rows, keyless, skipped, refused };
}
