import { parseId } from '@sentral/contracts/ids';
import { openDatabase } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Json, TestServer } from './start-server.js';

/** Somebody with a bearer and, once it has come, an id. */
export interface Person {
  readonly id: string;
  readonly token: string;
}

/** Whoever comes for the first time is known from then on, and may do nothing. */
export async function person(server: TestServer, name: string, groups?: readonly string[]): Promise<Person> {
  const token = await server.people.token(name, groups === undefined ? {} : { groups });
  const { body } = await server.ask('/v1/whoami', { token });
  return { id: body.principal.id, token };
}

export const as = ({ token }: { token: string }) => ({ token });

/** Whatever version it has by now. */
export const any = { 'if-match': '*' };

export const userSubject = ({ id }: Person) => ({ type: 'user', id });

/** What a call made, or why it did not. */
export async function made(call: Promise<{ status: number; body: Json }>, status = 201): Promise<Json> {
  const answer = await call;
  if (answer.status !== status) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A tenant with a project and an environment, and its owner. */
export interface House {
  readonly owner: Person;
  readonly tenant: string;
  readonly project: string;
  readonly environment: string;
}

export async function house(server: TestServer, name: string): Promise<House> {
  const owner = await person(server, `owner-of-${name}`);
  const { id: tenant } = await made(server.ask('/v1/tenants', { body: { name, owner: userSubject(owner) } }));
  const as = { token: owner.token };
  const { id: project } = await made(server.ask(`/v1/tenants/${tenant}/projects`, { ...as, body: { name: 'shop' } }));
  const { id: environment } = await made(
    server.ask(`/v1/projects/${project}/environments`, { ...as, body: { name: 'prod', class: 'production' } }),
  );
  return { owner, tenant, project, environment };
}

/** Grants a role on a tenant by its owner, and the time behind the clock's back when it is to be over. */
export async function grant(
  server: TestServer,
  place: House,
  { to, role, over = false }: { to: Person; role: string; over?: boolean },
): Promise<void> {
  const body = { subject: userSubject(to), role, ...(over ? { expiresAt: '2099-01-01T00:00:00Z' } : {}) };
  const { id } = await made(server.ask(`/v1/tenants/${place.tenant}/roleBindings`, { token: place.owner.token, body }));
  const ended = `update tenancy.role_binding set expires_at = now() - interval '1 hour' where id = $1::uuid`;
  if (over) await behind(server, ended, [parseId(id).uuid]);
}

/** Changes something that no route would, past the guards: time has to pass somehow. */
export async function behind(server: TestServer, change: string, values: readonly string[]): Promise<void> {
  const db = openDatabase({ url: server.adminUrl, applicationName: 'cast', poolSize: 1 });
  try {
    await inTransaction(db, async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      await tx.unsafe(change, values);
    });
  } finally {
    await db.close();
  }
}

/** A service account of the tenant with a role, and a live token of it. */
export async function service(
  server: TestServer,
  place: House,
  { name, role }: { name: string; role: string },
): Promise<{ account: string; tokenId: string; token: string }> {
  const as = { token: place.owner.token };
  const { id: account } = await made(
    server.ask(`/v1/tenants/${place.tenant}/serviceAccounts`, { ...as, body: { name } }),
  );
  const subject = { type: 'serviceAccount', id: account };
  await made(server.ask(`/v1/tenants/${place.tenant}/roleBindings`, { ...as, body: { subject, role } }));
  const minted = await made(
    server.ask(`/v1/serviceAccounts/${account}/tokens`, {
      ...as,
      body: { name: 'first' },
      headers: { 'idempotency-key': `token-of-${name}` },
    }),
  );
  return { account, tokenId: minted.id, token: minted.secret };
}

/** A domain of numbers, with enough for any test. */
export async function numbers(server: TestServer, name: string): Promise<string> {
  const domain = await made(server.ask('/v1/numberDomains', { body: { name, kind: 'vni' } }));
  await made(server.ask(`/v1/numberDomains/${domain.id}/ranges`, { body: { start: 1, end: 100_000 } }));
  return domain.id;
}

let keys = 0;

/** One number for the environment, under a key of its own. */
export function allocate(server: TestServer, environment: string, of: { domainId: string; token: string }) {
  keys += 1;
  return server.ask(`/v1/environments/${environment}/allocations`, {
    token: of.token,
    headers: { 'idempotency-key': `allocate-${keys}` },
    body: {
      consumer: { service: 's', kind: 'k', id: String(keys) },
      items: [{ what: 'number', domainId: of.domainId }],
    },
  });
}
