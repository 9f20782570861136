import type { ChangeItem } from '../change-set.js';
import { attributesOf, named, tenantOf } from './attributes.js';
import type { Row } from './dump.js';
import { decimal, keyOf, text, type Source } from './source.js';
import { rejected, upsert } from './translated.js';

type Span = readonly [start: number, end: number];

const bound = (value: unknown): number =>
  typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;

function spanOf(range: unknown): Span {
  const parsed: unknown = typeof range === 'string' ? JSON.parse(range) : range;
  if (Array.isArray(parsed)) return [bound(parsed[0]), bound(parsed[1])];
  const { lower, upper, bounds } = parsed as { lower?: unknown; upper?: unknown; bounds?: unknown };
  const kind = typeof bounds === 'string' ? bounds : '[)';
  return [bound(lower) + (kind.startsWith('(') ? 1 : 0), bound(upper) - (kind.endsWith(']') ? 0 : 1)];
}

/** No range up to 3.1, `min_vid` and `max_vid` from 3.2, from 4.1 a JSON string that holds a list of JSON strings. */
function spansOf(group: Row): readonly Span[] | undefined {
  const { min_vid: low, max_vid: high, vid_ranges: ranges } = group.fields;
  let spans: readonly Span[];
  try {
    if (low !== undefined || high !== undefined) spans = [[decimal(low) ?? 1, decimal(high) ?? 4094]];
    else if (ranges === undefined) spans = [[1, 4094]];
    else {
      const list: unknown = typeof ranges === 'string' ? JSON.parse(ranges) : ranges;
      if (!Array.isArray(list)) return undefined;
      spans = list.map(spanOf);
    }
  } catch {
    return undefined;
  }
  return spans.every(([start, end]) => Number.isInteger(start) && Number.isInteger(end) && start <= end)
    ? merged(spans)
    : undefined;
}

/** Ranges of a domain never overlap, and two that touch are one. */
function merged(spans: readonly Span[]): readonly Span[] {
  const out: [number, number][] = [];
  for (const [start, end] of [...spans].sort((x, y) => x[0] - y[0])) {
    const last = out.at(-1);
    if (last !== undefined && start <= last[1] + 1) last[1] = Math.max(last[1], end);
    else out.push([start, end]);
  }
  return out;
}

/** VLAN groups are pools of ids; VLANs without a group still exist per site, in a domain that hands nothing out. */
export function* numberItems(source: Source, nodeKeys: ReadonlySet<string>): Generator<ChangeItem> {
  for (const row of source.all('ipam.vlangroup')) {
    const spans = spansOf(row);
    if (spans === undefined) {
      yield rejected(row, 'its ranges of VLAN ids cannot be read');
      continue;
    }
    const scope = source.scope(row.fields);
    yield upsert(row, {
      type: 'numberDomain',
      name: text(row.fields['name']) ?? row.key,
      kind: 'vlan',
      pooled: true,
      ...(scope !== undefined && nodeKeys.has(scope) ? { node: scope } : {}),
      attributes: attributesOf(source, row, { slug: row.fields['slug'] }, { scope }),
    });
    for (const [start, end] of spans)
      yield upsert(row, { type: 'numberRange', domain: row.key, start, end }, `${row.key}#${start}-${end}`);
  }
  const ungrouped = new Set<string>();
  for (const row of source.all('ipam.vlan')) {
    const value = row.fields['vid'];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 4094) {
      yield rejected(row, `${JSON.stringify(value ?? null)} is not a VLAN id (1 to 4094)`);
      continue;
    }
    const site = keyOf('dcim.site', row.fields['site']);
    const group = keyOf('ipam.vlangroup', row.fields['group']);
    const domain = group ?? `ipam.vlan#${site ?? 'none'}`;
    if (group === undefined && !ungrouped.has(domain)) {
      ungrouped.add(domain);
      yield domainOfSite(row, domain, site !== undefined && nodeKeys.has(site) ? site : undefined);
    }
    yield upsert(row, {
      type: 'number',
      domain,
      value,
      ...named(row),
      ...(site !== undefined && nodeKeys.has(site) ? { node: site } : {}),
      ...tenantOf(row),
      attributes: attributesOf(
        source,
        row,
        { status: row.fields['status'], role: source.slug('ipam.role', row.fields['role']) },
        { site },
      ),
    });
  }
}

function domainOfSite(row: Row, externalId: string, node: string | undefined): ChangeItem {
  const name = `VLANs without a group (${externalId.slice('ipam.vlan#'.length)})`;
  return upsert(
    row,
    { type: 'numberDomain', name, kind: 'vlan', pooled: false, ...(node === undefined ? {} : { node }) },
    externalId,
  );
}
