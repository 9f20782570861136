import type { OwnResource, ResourceType } from '../change-set.js';

export interface Reference {
  readonly key: string;
  readonly types: readonly ResourceType[];
  readonly as: string;
}

const node: readonly ResourceType[] = ['node'];

/** Every key that a resource names, and what it must be. */
export function referencesOf(resource: OwnResource): readonly Reference[] {
  const optional = (key: string | undefined, as: string): readonly Reference[] =>
    key === undefined ? [] : [{ key, types: node, as }];
  switch (resource.type) {
    case 'node':
      return optional(resource.parent, 'parent');
    case 'edge':
      return [...resource.a, ...resource.b].map((key) => ({ key, types: node, as: 'end' }));
    case 'addressBlock':
    case 'address':
      return [{ key: resource.space, types: ['addressSpace'], as: 'space' }, ...optional(resource.node, 'node')];
    case 'addressRange':
      return [{ key: resource.space, types: ['addressSpace'], as: 'space' }];
    case 'numberDomain':
      return optional(resource.node, 'node');
    case 'numberRange':
      return [{ key: resource.domain, types: ['numberDomain'], as: 'domain' }];
    case 'number':
      return [{ key: resource.domain, types: ['numberDomain'], as: 'domain' }, ...optional(resource.node, 'node')];
    case 'rackReservation':
      return [{ key: resource.rack, types: node, as: 'rack' }];
    case 'addressSpace':
    case 'deviceType':
      return [];
  }
}
