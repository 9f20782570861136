import type { Access } from '../auth/authorize.js';
import type { Door } from '../auth/door.js';
import type { Asked } from './mount.js';

/** Who the caller of a long answer is and what it may by now. @throws Problem when it may not ask for this any more */
export async function again(door: Door, { raw, route, address }: Asked): Promise<Access> {
  const entered = await door.enter({
    authorization: raw.headers.get('authorization') ?? undefined,
    address,
    changes: false,
  });
  const url = new URL(raw.url);
  const scope = url.searchParams.get('scope') ?? undefined;
  const id = url.pathname.split('/')[route.path.split('/').indexOf(':id')];
  return (await door.authorize(entered, { def: route, target: { id, scope } })).access;
}
