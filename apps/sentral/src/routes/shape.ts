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
  const sign = asked.listUrl.endsWith('?') ? '' : '&';
  const headers = { link: `<${asked.listUrl}${sign}cursor=${nextCursor}>; rel="next"` };
  return { status: 200 as const, body: { items: page.items, nextCursor }, headers };
}

/** The page of the list that is asked for; the cursor as the context gave it, out of the sealed one. */
export function openCursor<S extends string = never>(
  cursors: Cursors,
  asked: Asked,
  query: { cursor?: string | undefined; limit?: number | undefined; sort?: S },
) {
  return {
    ...(query.sort === undefined ? {} : { sort: query.sort }),
    ...(query.limit === undefined ? {} : { limit: query.limit }),
    ...(query.cursor === undefined ? {} : { cursor: cursors.open(query.cursor, asked.listKey) }),
  };
}

export const shown = <T extends { readonly version: number }>(body: T) => ({
  status: 200 as const,
  body,
  headers: { etag: etagOf(body) },
});

export const createdAt = <T extends { readonly id: string; readonly version: number }>(body: T, path: string) => ({
  status: 201 as const,
  body,
  headers: { location: `${path}/${body.id}`, etag: etagOf(body) },
});

/** What a change of several resources, or of none with an id of its own, answers. */
export const done = <T extends object>(body: T) => ({ status: 200 as const, body });

/** Where no If-Match is needed, one that is sent is honoured. */
export const versionOf = (asked: Asked) => (asked.ifMatch === 'any' ? undefined : asked.ifMatch);
