import { startStandIn, type StandInProcess } from '@sentral/stand-ins';
import { as, made, type House } from './cast.js';
import type { Json, TestServer } from './start-server.js';

type Service = Parameters<typeof startStandIn>[0];

/** A service in a process of its own, on the mailbox of this deployment. */
export function standInOf(server: TestServer, service: Service): Promise<StandInProcess> {
  const mailbox = new URL(server.adminUrl);
  mailbox.username = 'bus_app';
  mailbox.password = 'sentral';
  return startStandIn(service, { databaseUrl: server.adminUrl, mailboxUrl: mailbox.href });
}

/** Where buckets may be made. */
export async function storage(server: TestServer, totalGib = 100): Promise<string> {
  const { id } = await made(server.ask('/v1/nodes', { body: { kind: 'storage' } }));
  await made(
    server.ask(`/v1/nodes/${id}/capacities`, { body: { class: 'diskGib', total: totalGib, maxUnit: totalGib } }),
  );
  return id;
}

let keys = 0;

/** Asks for a resource under a key of its own, unless told. */
export function order(server: TestServer, place: House, { of, body, key }: { of: string; body: object; key?: string }) {
  keys += 1;
  return server.ask(`/v1/environments/${place.environment}/${of}`, {
    ...as(place.owner),
    body,
    headers: { 'idempotency-key': key ?? `order-${keys}` },
  });
}

/** A task once it is in a state. */
export async function taskOnce(
  server: TestServer,
  place: House,
  { id, state }: { id: string; state: string },
): Promise<Json> {
  for (let tries = 0; tries < 600; tries += 1) {
    const { body } = await server.ask(`/v1/tasks/${id}`, as(place.owner));
    if (body.state === state) return body;
    if (['failed', 'cancelled', 'stuck', 'succeeded'].includes(body.state)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const steps = await server.ask(`/v1/tasks/${id}/steps`, as(place.owner));
  throw new Error(`${id} never was ${state}: ${JSON.stringify(steps.body.items)}`);
}
