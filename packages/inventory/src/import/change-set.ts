import type { CapacityInput } from '@sentral/contracts/inventory/capacity';

export type Attributes = Readonly<Record<string, unknown>>;

/** Where a node stands in the rack that contains it. Half unit 0 is the bottom of the rack. */
export interface RackPosition {
  readonly face: 'front' | 'rear';
  readonly startHalfUnit: number;
  readonly heightHalfUnits: number;
  readonly fullDepth: boolean;
}

export interface NodeResource {
  readonly type: 'node';
  readonly kind: string;
  readonly name?: string;
  readonly parent?: string;
  readonly attributes?: Attributes;
  readonly labels?: Readonly<Record<string, string>>;
  readonly traits?: readonly string[];
  /** All that it has to give, by class; absent: as it is. */
  readonly capacities?: readonly CapacityInput[];
  readonly tenant?: string;
  readonly rack?: RackPosition;
}

/** A cable with several ends on each side is one edge; of a directed type, a is the source and b what it points at. */
export interface EdgeResource {
  readonly type: 'edge';
  readonly edgeType: 'connects' | 'depends' | 'memberOf' | 'backedBy';
  readonly a: readonly string[];
  readonly b: readonly string[];
  readonly attributes?: Attributes;
}

export interface AddressSpaceResource {
  readonly type: 'addressSpace';
  readonly name: string;
  readonly attributes?: Attributes;
  readonly tenant?: string;
}

export interface AddressBlockResource {
  readonly type: 'addressBlock';
  readonly space: string;
  readonly cidr: string;
  readonly isPool?: boolean;
  readonly markUtilized?: boolean;
  readonly status?: string;
  readonly attributes?: Attributes;
  readonly node?: string;
  readonly tenant?: string;
}

export interface AddressRangeResource {
  readonly type: 'addressRange';
  readonly space: string;
  readonly start: string;
  readonly end: string;
  readonly attributes?: Attributes;
}

export interface AddressResource {
  readonly type: 'address';
  readonly space: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly attributes?: Attributes;
  readonly node?: string;
  readonly tenant?: string;
}

export interface NumberDomainResource {
  readonly type: 'numberDomain';
  readonly name: string;
  readonly kind: string;
  readonly pooled: boolean;
  readonly attributes?: Attributes;
  readonly node?: string;
}

export interface NumberRangeResource {
  readonly type: 'numberRange';
  readonly domain: string;
  readonly start: number;
  readonly end: number;
}

export interface NumberResource {
  readonly type: 'number';
  readonly domain: string;
  readonly value: number;
  readonly name?: string;
  readonly attributes?: Attributes;
  readonly node?: string;
  readonly tenant?: string;
}

/** Units as they are numbered on the rack, from its starting unit upwards. */
export interface RackReservationResource {
  readonly type: 'rackReservation';
  readonly rack: string;
  readonly units: readonly number[];
  readonly attributes?: Attributes;
}

export interface DeviceTypeResource {
  readonly type: 'deviceType';
  readonly manufacturer: string;
  readonly model: string;
  readonly slug: string;
  readonly heightHalfUnits: number;
  readonly fullDepth: boolean;
  readonly attributes: Attributes;
  readonly components: Readonly<Record<string, readonly Attributes[]>>;
}

/** A tenant of the source becomes a tenant of Sentral, by tenancy's contract; it is no resource of inventory. */
export interface TenantResource {
  readonly type: 'tenant';
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type Resource =
  | NodeResource
  | EdgeResource
  | AddressSpaceResource
  | AddressBlockResource
  | AddressRangeResource
  | AddressResource
  | NumberDomainResource
  | NumberRangeResource
  | NumberResource
  | RackReservationResource
  | DeviceTypeResource
  | TenantResource;

/** What inventory keeps itself. */
export type OwnResource = Exclude<Resource, TenantResource>;
export type ResourceType = OwnResource['type'];

export interface UpsertRow {
  readonly op: 'upsert';
  readonly externalId: string;
  readonly ifMatch?: number;
  readonly resource: Resource;
}

export interface DeleteRow {
  readonly op: 'delete';
  readonly externalId: string;
  readonly ifMatch?: number;
}

export type ChangeRow = UpsertRow | DeleteRow;

export type ImportFormat = 'netbox' | 'devicetypes' | 'prefixplan' | 'changeset';

/**
 * What a translator yields, in dependency order. `complete` says that the file is the whole of its source, so that rows of the
 * source which it does not name are deleted; a rejected row counts as named, because a row that cannot be read has not vanished.
 */
export type ChangeItem =
  | { readonly item: 'head'; readonly format: ImportFormat; readonly complete: boolean }
  | { readonly item: 'row'; readonly line: number; readonly row: ChangeRow }
  | { readonly item: 'rejected'; readonly line: number; readonly key: string; readonly reason: string }
  | { readonly item: 'skipped'; readonly model: string; readonly count: number };

/** The bytes of an upload as they arrive. */
export type Body = AsyncIterable<Uint8Array>;

/** Bounds of one upload. Without them a hostile or mistaken file decides how much memory a worker takes. */
export interface ImportLimits {
  readonly fileBytes: number;
  readonly lines: number;
  readonly lineBytes: number;
  /** One element of a NetBox dump or one YAML document. */
  readonly elementBytes: number;
}

export const defaultLimits: ImportLimits = {
  fileBytes: 64 * 1024 * 1024,
  lines: 100_000,
  lineBytes: 64 * 1024,
  elementBytes: 4 * 1024 * 1024,
};
