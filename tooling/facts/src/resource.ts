/** A resource as the inventory gives it, with references as keys of the source it came from. */
export interface Stored {
  readonly externalId: string;
  readonly type: string;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly parent?: string | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /** Of a tenant: what the source says beside its name, as text. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The key of the tenant that it belongs to. */
  readonly tenant?: string | undefined;
  readonly rack?: RackPlace | readonly number[] | string | undefined;
  readonly [field: string]: unknown;
}

export interface RackPlace {
  readonly face: string;
  readonly startHalfUnit: number;
  readonly heightHalfUnits: number;
  readonly fullDepth: boolean;
}

/** All that one source gave, from wherever it is read: a translator's output in memory, or the inventory's own lists. */
export interface Imported {
  readonly resources: readonly Stored[];
  /** Rows of models that became no resource of their own. */
  readonly skipped: ReadonlyMap<string, number>;
  readonly rejected: readonly { readonly key: string; readonly reason: string }[];
}

export const modelOf = (key: string): string => key.slice(0, key.lastIndexOf(':'));

/** Keys with # and keys without a row number were made by the importer; no row of the source has them. */
export const isRow = (key: string): boolean => /^[a-z]+\.[a-z]+:\d+$/.test(key);

export const attribute = (resource: Stored, name: string): unknown => resource.attributes?.[name];

export function textOf(resource: Stored, name: string): string | undefined {
  const value = attribute(resource, name);
  return typeof value === 'string' ? value : undefined;
}

export function refOf(resource: Stored, name: string): string | undefined {
  const refs = resource.attributes?.['refs'] as Readonly<Record<string, string>> | undefined;
  return refs?.[name];
}

export function increment(counts: Record<string, number>, key: string | number, by = 1): void {
  counts[key] = (counts[key] ?? 0) + by;
}

export function ofModel(imported: Imported, model: string): readonly Stored[] {
  return imported.resources.filter((resource) => isRow(resource.externalId) && modelOf(resource.externalId) === model);
}
