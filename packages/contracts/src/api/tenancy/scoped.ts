import type { RouteDef } from '../../route.js';
import { byId } from '../inventory/shape.js';

/** The scopes that a collection can hang under, by the word that their operations carry. */
const places = {
  Platform: { path: '/v1/platform' },
  Tenant: { path: '/v1/tenants/:id', params: byId('tnt') },
  Project: { path: '/v1/projects/:id', params: byId('prj') },
  Environment: { path: '/v1/environments/:id', params: byId('env') },
} as const;
export type Place = keyof typeof places;
export const everyPlace = ['Platform', 'Tenant', 'Project', 'Environment'] as const satisfies readonly Place[];

type Shared = Omit<RouteDef, 'operationId' | 'path' | 'params' | 'on'>;
type Scoped<D extends Shared> = D & {
  readonly operationId: string;
  readonly path: `/v1/${string}`;
  readonly on: 'pathScope';
};

/**
 * The same route under each of these scopes: `create` + `Tenant` + `Hold` at `/v1/tenants/:id/holds`. Its handler learns the
 * scope from the request, not from the path.
 */
export function onEach<
  const P extends readonly Place[],
  const V extends string,
  const N extends string,
  const D extends Shared,
>(
  of: P,
  at: { readonly verb: V; readonly noun: N; readonly tail: string },
  def: D,
): { readonly [K in P[number] as `${V}${K}${N}`]: Scoped<D> } {
  return Object.fromEntries(
    of.map((name) => [
      `${at.verb}${name}${at.noun}`,
      {
        ...def,
        ...places[name],
        operationId: `${at.verb}${name}${at.noun}`,
        path: places[name].path + at.tail,
        on: 'pathScope',
      },
    ]),
  ) as never;
}
