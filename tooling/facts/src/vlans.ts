import { join, sizeOf, without, type Span } from './ip.js';
import { attribute, increment, ofModel, refOf, type Imported, type Stored } from './resource.js';

const valueOf = (vlan: Stored): number => Number(vlan['value']);

export function vlans(imported: Imported): Record<string, unknown> {
  const all = ofModel(imported, 'ipam.vlan');
  const grouped = all.filter((vlan) => String(vlan['domain']).startsWith('ipam.vlangroup:'));
  const ungrouped = all.filter((vlan) => !grouped.includes(vlan));
  const ungroupedBySite: Record<string, number[]> = {};
  for (const vlan of ungrouped) (ungroupedBySite[refOf(vlan, 'site') ?? 'none'] ??= []).push(valueOf(vlan));
  for (const list of Object.values(ungroupedBySite)) list.sort((a, b) => a - b);
  const vidUse: Record<string, number> = {};
  for (const vlan of all) increment(vidUse, valueOf(vlan));
  const prefixesPerVlan: Record<string, number> = {};
  for (const prefix of ofModel(imported, 'ipam.prefix')) {
    const vlan = refOf(prefix, 'vlan');
    if (vlan !== undefined) increment(prefixesPerVlan, vlan);
  }
  return {
    vlans: all.length,
    grouped: grouped.length,
    ungrouped: ungrouped.length,
    groups: ofModel(imported, 'ipam.vlangroup').map((group) => groupFacts(imported, group, grouped)),
    ungroupedBySite,
    vidUse,
    duplicateVidInGroup: repeated(grouped),
    duplicateVidUngroupedSameSite: repeated(ungrouped),
    prefixesPerVlan,
  };
}

function repeated(list: readonly Stored[]): number {
  const counts: Record<string, number> = {};
  for (const vlan of list) increment(counts, `${String(vlan['domain'])}/${valueOf(vlan)}`);
  return Object.values(counts).filter((count) => count > 1).length;
}

function groupFacts(imported: Imported, group: Stored, grouped: readonly Stored[]): Record<string, unknown> {
  const ranges = join(
    imported.resources
      .filter((resource) => resource.type === 'numberRange' && resource['domain'] === group.externalId)
      .map((range): Span => [BigInt(range['start'] as number), BigInt(range['end'] as number)]),
  );
  const used = [...new Set(grouped.filter((vlan) => vlan['domain'] === group.externalId).map(valueOf))].sort(
    (a, b) => a - b,
  );
  const free = ranges.flatMap((range) =>
    without(
      range,
      used.map((value): Span => [BigInt(value), BigInt(value)]),
    ),
  );
  return {
    key: group.externalId,
    slug: attribute(group, 'slug'),
    scope: refOf(group, 'scope') ?? null,
    ranges: ranges.map(([start, end]) => [Number(start), Number(end)]),
    totalIds: Number(sizeOf(ranges)),
    usedIds: used,
    freeIds: Number(sizeOf(free)),
    firstFree: free[0] === undefined ? null : Number(free[0][0]),
    usedOutsideRange: used.filter((value) => !ranges.some(([start, end]) => start <= value && value <= end)),
  };
}
