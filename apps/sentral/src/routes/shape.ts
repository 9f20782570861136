import { etagOf } from '../http/preconditions.js';
import type { Asked } from '../http/mount.js';
import type { Cursors } from '../http/cursor.js';

interface Page<T> {
  readonly items: T[];
  readonly nextCursor?: string | undefined;
}

/** A page with its cursor sealed to this list, and the link to the next one. */
export function listed<T>(cursors: Cursors, asked: Asked, page: Page<T>) {
  if (page.nextCursor === undefined) return { status: 200 as const, body: { items: page.items } };
  const nextCursor = cursors.seal(page.nextCursor, asked.listKey);
  const [path, query] = asked.listKey.split('?');
  const rest = query === '' ? '' : `${query}&`;
  const headers = { link: `<${path}?${rest}cursor=${nextCursor}>; rel="next"` };
  return { status: 200 as const, body: { items: page.items, nextCursor }, headers };
}

/** What the context gave as cursor, out of the sealed one. */
export function openCursor(
  cursors: Cursors,
  asked: Asked,
  query: { cursor?: string | undefined; limit?: number | undefined },
) {
  return {
    ...(query.limit === undefined ? {} : { limit: query.limit }),
    ...(query.cursor === undefined ? {} : { cursor: cursors.open(query.cursor, asked.listKey) }),
  };
}

export const shown = <T extends { readonly version: number }>(body: T, asked?: Asked) => ({
  status: 200 as const,
  body,
  headers: { etag: etagOf(body), ...dry(asked) },
});

export const createdAt = <T extends { readonly id: string; readonly version: number }>(
  body: T,
  path: string,
  asked: Asked,
) => ({
  status: 201 as const,
  body,
  headers: { location: `${path}/${body.id}`, etag: etagOf(body), ...dry(asked) },
});

export const dry = (asked: Asked | undefined): Record<string, string> =>
  asked?.dryRun === true ? { 'dry-run': 'true' } : {};

/** Where no If-Match is needed, one that is sent is honoured. */
export const versionOf = (asked: Asked) => (asked.ifMatch === 'any' ? undefined : asked.ifMatch);
