import type { ChangeItem } from '../change-set.js';
import { attributesOf } from './attributes.js';
import { text, type Source } from './source.js';
import { upsert } from './translated.js';

/** Tenants, before what belongs to them. What NetBox says beside the name goes into annotations, which are text. */
export function* tenantItems(source: Source): Generator<ChangeItem> {
  for (const row of source.all('tenancy.tenant')) {
    const said = attributesOf(source, row, {
      slug: row.fields['slug'],
      group: source.slug('tenancy.tenantgroup', row.fields['group']),
    });
    const annotations = Object.fromEntries(
      Object.entries(said).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    );
    yield upsert(row, { type: 'tenant', name: text(row.fields['name']) ?? row.key, annotations });
  }
}
