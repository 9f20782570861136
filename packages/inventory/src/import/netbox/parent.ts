import type { Row } from './dump.js';
import type { KeptModel } from './fields.js';
import { keyOf, type Source } from './source.js';

/** Site groups are a second tree and no containment; only these may contain a cluster. */
const placeModels = /^dcim\.(region|site|location):/;

type Fields = Row['fields'];

function first(...candidates: readonly (string | undefined)[]): string | undefined {
  return candidates.find((candidate) => candidate !== undefined);
}

const location = (fields: Fields): string | undefined => keyOf('dcim.location', fields['location']);
const site = (fields: Fields): string | undefined => keyOf('dcim.site', fields['site']);
const device = (fields: Fields): string | undefined => keyOf('dcim.device', fields['device']);
const ofDevice = (fields: Fields): string | undefined => first(keyOf('dcim.module', fields['module']), device(fields));

/** Says what contains a row: the first parent that is set, in the order that NetBox itself uses to place it. */
export function parentFinder(source: Source): (row: Row) => string | undefined {
  const bayOwner = new Map<unknown, string | undefined>();
  for (const bay of source.all('dcim.devicebay')) {
    const installed = bay.fields['installed_device'];
    if (installed !== undefined) bayOwner.set(installed, device(bay.fields));
  }
  const finders: Partial<Record<KeptModel, (row: Row) => string | undefined>> = {
    'dcim.region': ({ fields }) => keyOf('dcim.region', fields['parent']),
    'dcim.site': ({ fields }) => keyOf('dcim.region', fields['region']),
    'dcim.location': ({ fields }) => first(keyOf('dcim.location', fields['parent']), site(fields)),
    'dcim.rack': ({ fields }) => first(location(fields), site(fields)),
    'dcim.device': ({ pk, fields }) =>
      first(bayOwner.get(pk), keyOf('dcim.rack', fields['rack']), location(fields), site(fields)),
    'dcim.module': ({ fields }) => device(fields),
    'dcim.powerpanel': ({ fields }) => first(location(fields), site(fields)),
    'dcim.powerfeed': ({ fields }) => keyOf('dcim.powerpanel', fields['power_panel']),
    'dcim.inventoryitem': ({ fields }) => first(keyOf('dcim.inventoryitem', fields['parent']), device(fields)),
    'virtualization.cluster': ({ fields }) => {
      const scope = source.scope(fields);
      return scope !== undefined && placeModels.test(scope) ? scope : undefined;
    },
    'virtualization.virtualmachine': ({ fields }) =>
      first(keyOf('virtualization.cluster', fields['cluster']), device(fields), site(fields)),
    'virtualization.vminterface': ({ fields }) => keyOf('virtualization.virtualmachine', fields['virtual_machine']),
    'circuits.providernetwork': ({ fields }) => keyOf('circuits.provider', fields['provider']),
    'circuits.circuit': ({ fields }) => keyOf('circuits.provider', fields['provider']),
    'circuits.circuittermination': ({ fields }) => keyOf('circuits.circuit', fields['circuit']),
  };
  return (row) => (finders[row.model] ?? ((other: Row) => ofDevice(other.fields)))(row);
}
