import { cabling } from './cabling.js';
import { componentModels, containment, placementModels } from './containment.js';
import { ipam } from './ipam.js';
import { racks } from './racks.js';
import { increment, isRow, modelOf, ofModel, type Imported, type Stored } from './resource.js';
import { vlans } from './vlans.js';

/** Applications of NetBox whose rows are no inventory; the facts list them apart. */
const ignored = new Set([
  'auth',
  'admin',
  'contenttypes',
  'sessions',
  'users',
  'core',
  'django_rq',
  'social_django',
  'taggit',
]);

/** Sections that an import of a NetBox dump must reproduce whole. */
export const netboxSections = [
  'counts',
  'containment',
  'containmentWithComponents',
  'cabling',
  'ipam',
  'vlans',
  'racks',
  'tenants',
] as const;

const owned = {
  sites: 'dcim.site',
  racks: 'dcim.rack',
  devices: 'dcim.device',
  prefixes: 'ipam.prefix',
  addresses: 'ipam.ipaddress',
  vlans: 'ipam.vlan',
  circuits: 'circuits.circuit',
  virtualMachines: 'virtualization.virtualmachine',
};

/** The facts of an imported NetBox dump. */
export function netboxFacts(imported: Imported): Record<string, unknown> {
  return {
    kind: 'netbox',
    ...counts(imported),
    containment: containment(imported, placementModels, true),
    containmentWithComponents: containment(imported, [...placementModels, ...componentModels], false),
    cabling: cabling(imported),
    ipam: ipam(imported),
    vlans: vlans(imported),
    racks: racks(imported),
    tenants: tenants(imported),
  };
}

/** Every row of the file: kept, rejected or counted as skipped. */
function counts(imported: Imported): { counts: Record<string, number>; ignoredRows: Record<string, number> } {
  const all: Record<string, number> = {};
  const kept = new Set<string>();
  for (const { externalId } of imported.resources) {
    if (!isRow(externalId)) continue;
    kept.add(externalId);
    increment(all, modelOf(externalId));
  }
  for (const { key } of imported.rejected) {
    // A termination is folded into its cable and counted as skipped already.
    if (isRow(key) && !kept.has(key) && !imported.skipped.has(modelOf(key))) increment(all, modelOf(key));
  }
  for (const [model, count] of imported.skipped) increment(all, model, count);
  const split = (is: boolean): Record<string, number> =>
    Object.fromEntries(Object.entries(all).filter(([model]) => ignored.has(model.split('.')[0] ?? '') === is));
  return { counts: split(false), ignoredRows: split(true) };
}

function tenants(imported: Imported): Record<string, unknown> {
  const byModel = Object.entries(owned).map(([name, model]) => [name, ofModel(imported, model)] as const);
  const countOwned = (is: (resource: Stored) => boolean): Record<string, number> =>
    Object.fromEntries(byModel.map(([name, list]) => [name, list.filter(is).length]));
  return {
    groups: imported.skipped.get('tenancy.tenantgroup') ?? 0,
    tenants: ofModel(imported, 'tenancy.tenant').map((tenant) => ({
      key: tenant.externalId,
      slug: tenant.annotations?.['slug'],
      name: tenant.name,
      customFields: JSON.parse(tenant.annotations?.['customFields'] ?? '{}') as unknown,
      ...countOwned((resource) => resource.tenant === tenant.externalId),
    })),
    untenanted: countOwned((resource) => resource.tenant === undefined),
  };
}
