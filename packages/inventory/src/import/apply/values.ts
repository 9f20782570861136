import type { OwnResource } from '../change-set.js';
import { formatNetwork, parseAddress, parseNetwork } from '../ip.js';
import { offersFault } from './offers.js';
import type { Surroundings } from './plan.js';

/** What is wrong with a row by itself, or undefined. */
export function valueFault(
  resource: OwnResource,
  { kinds, traits, classes }: Pick<Surroundings, 'kinds' | 'traits' | 'classes'>,
): string | undefined {
  switch (resource.type) {
    case 'node': {
      const kind = kinds.get(resource.kind);
      if (kind === undefined) return `there is no kind ${resource.kind}`;
      if (kind.category === 'component' && resource.parent === undefined) return `a ${resource.kind} needs a parent`;
      if (resource.rack !== undefined && resource.parent === undefined) return 'a position needs a rack as the parent';
      if (resource.kind === 'rack' && rackShape(resource.attributes) === undefined)
        return 'its attributes heightUnits and startingUnit are no shape of a rack';
      const strange = resource.traits?.find((trait) => !traits.has(trait));
      if (strange !== undefined) return `there is no trait ${strange}`;
      return offersFault(resource.capacities ?? [], classes);
    }
    case 'edge': {
      const ends = [...resource.a, ...resource.b];
      if (new Set(ends).size !== ends.length) return 'it ends at one node twice';
      if (resource.edgeType !== 'connects' && (resource.a.length !== 1 || resource.b.length !== 1))
        return `a ${resource.edgeType} edge has one source and one target`;
      return undefined;
    }
    case 'addressBlock': {
      const network = parseNetwork(resource.cidr);
      return network === undefined || network.value !== network.first ? `${resource.cidr} is not a prefix` : undefined;
    }
    case 'addressRange': {
      const [start, end] = [parseAddress(resource.start), parseAddress(resource.end)];
      return start === undefined || end === undefined || start.family !== end.family || start.value > end.value
        ? `${resource.start} to ${resource.end} is not a range`
        : undefined;
    }
    case 'address': {
      const address = parseAddress(resource.address);
      return address === undefined || resource.prefixLength > (address.family === 4 ? 32 : 128)
        ? `${resource.address}/${resource.prefixLength} is not an address`
        : undefined;
    }
    case 'numberRange':
      return resource.start > resource.end || resource.end > 4294967295
        ? `${resource.start} to ${resource.end} is not a range`
        : undefined;
    case 'number':
      return resource.value > 4294967295 ? `${resource.value} is out of bounds` : undefined;
    case 'numberDomain':
    case 'addressSpace':
    case 'rackReservation':
    case 'deviceType':
      return undefined;
  }
}

/** Two spellings of one prefix are one prefix. */
export function canonicalCidr(text: string): string {
  const network = parseNetwork(text);
  return network === undefined ? text : formatNetwork(network);
}

/** The shape of a rack by the attributes of its node; 42 units from unit 1 where they say nothing. */
export function rackShape(
  attributes: Readonly<Record<string, unknown>> | undefined,
): { heightHalfUnits: number; startingUnit: number } | undefined {
  const height = attributes?.['heightUnits'] ?? 42;
  const startingUnit = attributes?.['startingUnit'] ?? 1;
  if (typeof height !== 'number' || !Number.isInteger(height) || height < 1 || height > 200) return undefined;
  if (typeof startingUnit !== 'number' || !Number.isInteger(startingUnit) || startingUnit < 0 || startingUnit > 1000)
    return undefined;
  return { heightHalfUnits: height * 2, startingUnit };
}
