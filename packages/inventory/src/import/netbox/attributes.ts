import type { Attributes } from '../change-set.js';
import type { Row } from './dump.js';
import { keyOf, type Source } from './source.js';

/** Leaves out what is unset, so that two layouts of the same fact give the same attributes. */
export function present(values: Readonly<Record<string, unknown>>): Attributes {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );
}

const emptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** What every row may carry, beside the attributes of its kind. References that are neither tree nor edge stay as keys under `refs`. */
export function attributesOf(
  source: Source,
  row: Row,
  own: Readonly<Record<string, unknown>>,
  refs: Readonly<Record<string, string | undefined>> = {},
): Attributes {
  const custom = row.fields['custom_field_data'];
  const references = present(refs);
  return present({
    ...own,
    description: row.fields['description'],
    comments: row.fields['comments'],
    label: row.fields['label'],
    tags: source.tags(row.key),
    customFields: emptyObject(custom) ? undefined : custom,
    refs: Object.keys(references).length === 0 ? undefined : references,
  });
}

/** The key of the tenant that the row belongs to. */
export function tenantOf(row: Row): { readonly tenant?: string } {
  const tenant = keyOf('tenancy.tenant', row.fields['tenant']);
  return tenant === undefined ? {} : { tenant };
}

export function named(row: Row): { readonly name?: string } {
  const name = row.fields['name'];
  return typeof name === 'string' && name !== '' ? { name } : {};
}
