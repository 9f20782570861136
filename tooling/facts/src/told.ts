import type { Stored } from './resource.js';

/** A resource as the API shows it in its lists. */
export interface Shown {
  readonly type: string;
  readonly id?: string | undefined;
  readonly externalIds: readonly { readonly source: string; readonly externalId: string }[];
  readonly [field: string]: unknown;
}

/** A tenant, by its key in the source. */
export interface KnownTenant {
  readonly id: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What one source has of what the lists show, told with the keys of the source instead of ids. */
export function told(
  source: string,
  lists: readonly Shown[],
  tenants: ReadonlyMap<string, KnownTenant>,
): { readonly resources: readonly Stored[]; readonly key: (id: unknown) => string | undefined } {
  const ours = lists.flatMap((shown) => {
    const externalId = shown.externalIds.find((key) => key.source === source)?.externalId;
    return externalId === undefined ? [] : [{ shown, externalId }];
  });
  const keys = new Map<unknown, string>(ours.map(({ shown, externalId }) => [shown.id, externalId]));
  for (const [key, { id }] of tenants) keys.set(id, key);
  const key = (id: unknown): string | undefined => (id === undefined ? undefined : keys.get(id));
  const each = (ids: unknown): unknown => (Array.isArray(ids) ? ids.map(key) : ids);
  return {
    key,
    resources: [
      ...[...tenants].map(([externalId, { name, annotations }]) => ({ externalId, type: 'tenant', name, annotations })),
      ...ours.map(({ shown, externalId }): Stored => ({
        ...shown,
        externalId,
        parent: key(shown['parentId']),
        tenant: key(shown['tenantId']),
        space: key(shown['spaceId']),
        domain: key(shown['domainId']),
        rack: shown['position'] as Stored['rack'],
        a: each(shown['a']),
        b: each(shown['b']),
      })),
    ].sort(byKey),
  };
}

const numeric = (text: string): number => Number(text.slice(text.lastIndexOf(':') + 1));

/** In the order of the source's own keys, which is the order in which the facts list rows without a key. */
export const byKey = (a: Stored, b: Stored): number => {
  const [x, y] = [a.externalId, b.externalId];
  return /:\d+$/.test(x) && /:\d+$/.test(y) && numeric(x) !== numeric(y) ? numeric(x) - numeric(y) : x < y ? -1 : 1;
};
