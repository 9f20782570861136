import { decodeId } from '@sentral/contracts/ids';
import { defaultEnvironmentId, defaultScopeUuids } from '@sentral/contracts/tenancy';
import { randomUUID } from 'node:crypto';
import type { LimitPool } from './limit-sql.js';
import type { Target } from './load.js';
import type { Json, Stand } from './stand.js';

/** An environment, and the uuids of all that it lies in. */
export interface Place {
  readonly environmentId: string;
  readonly scopes: LimitPool['scopes'];
}

const { tenant, project, environment } = defaultScopeUuids;
export const ownPlace: Place = { environmentId: defaultEnvironmentId, scopes: [tenant, project, environment] };

const keyed = () => ({ 'idempotency-key': randomUUID() });

/** Tenants of their own, each with one project and one environment. */
export async function makePlaces(stand: Stand, count: number): Promise<readonly Place[]> {
  const run = randomUUID().slice(0, 8);
  const { principal }: Json = await stand.ask('GET', '/v1/whoami');
  const owner = { type: principal.type, id: principal.id };
  return inTens(count, async (n) => {
    const create = (at: string, body: object): Promise<Json> => stand.ask('POST', at, body, keyed());
    const tenant = await create('/v1/tenants', { name: `bench-${run}-${n}`, owner });
    const project = await create(`/v1/tenants/${tenant.id}/projects`, { name: 'bench' });
    const environment = await create(`/v1/projects/${project.id}/environments`, {
      name: 'bench',
      class: 'development',
    });
    const scopes = [
      decodeId('tnt', tenant.id as string),
      decodeId('prj', project.id as string),
      decodeId('env', environment.id as string),
    ];
    return { environmentId: environment.id as string, scopes };
  });
}

/** A node that has so much to give. */
export async function makePool(stand: Stand, total: number): Promise<string> {
  const node: Json = await stand.ask('POST', '/v1/nodes', { kind: 'cluster', name: `pool-${randomUUID()}` }, keyed());
  await stand.ask('POST', `/v1/nodes/${node.id}/capacities`, { class: 'vcpu', total }, keyed());
  return node.id as string;
}

/** Pools that nobody fills, spread over places. */
export const makePools = (stand: Stand, count: number, places: readonly Place[]): Promise<readonly Pool[]> =>
  inTens(count, async (n) => {
    const place = places[n % places.length] ?? ownPlace;
    return { place, nodeId: await makePool(stand, 1_000_000_000) };
  });

export interface Pool {
  readonly place: Place;
  readonly nodeId: string;
}

export const targetOf = ({ place, nodeId }: Pool): Target => ({
  environmentId: place.environmentId,
  nodeIds: [nodeId],
});
export const limitOf = ({ place, nodeId }: Pool): LimitPool => ({
  nodeId: decodeId('nod', nodeId),
  scopes: place.scopes,
});

async function inTens<T>(count: number, make: (n: number) => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  for (let from = 0; from < count; from += 10)
    made.push(...(await Promise.all(Array.from({ length: Math.min(10, count - from) }, (_, i) => make(from + i)))));
  return made;
}
