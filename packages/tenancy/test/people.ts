import { createHash } from 'node:crypto';
import { readApiToken } from '@sentral/contracts/api-token';
import type { Caller, GroupRef } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import { everyone, type Opened } from './open.js';

export const issuer = 'https://id.example';
type Tenancy = Opened['tenancy'];
type ScopeId = Parameters<Tenancy['roleBinding']['create']>[1]['scopeId'];
type Role = Parameters<Tenancy['roleBinding']['create']>[1]['role'];

let count = 0;
/** A text that no other test uses. */
export const fresh = (stem: string): string => `${stem}-${(count += 1)}`;

export interface Person {
  readonly id: Id<'usr'>;
  readonly subject: string;
  /** As a context hears of it: it sees everything, so that what refuses is the guard and nothing else. */
  readonly caller: Caller;
  readonly ref: Subject;
}

/** People, groups and grants, made by the system. */
export function peopleOf(tenancy: Tenancy) {
  const grant = async (subject: Subject, role: Role, at: { scopeId: ScopeId; expiresAt?: string }) =>
    tenancy.roleBinding.create(everyone, { subject, role, ...at });
  const person = async (stem: string, groups: readonly GroupRef[] = []): Promise<Person> => {
    const subject = fresh(stem);
    const { id } = await tenancy.user.register(everyone, { issuer, subject });
    const caller: Caller = {
      ...everyone,
      principal: { id, type: 'user', ...(groups.length === 0 ? {} : { groups: [...groups] }) },
    };
    return { id, subject, caller, ref: { type: 'user', id } };
  };
  return {
    person,
    grant,
    /** A person with one role. */
    holder: async (role: Role, scopeId: ScopeId, expiresAt?: string): Promise<Person> => {
      const one = await person(role);
      await grant(one.ref, role, { scopeId, ...(expiresAt === undefined ? {} : { expiresAt }) });
      return one;
    },
    tenant: async () => {
      const owner = await person('owner');
      const name = fresh('tenant');
      const tenant = await tenancy.scope.create(everyone, {
        kind: 'tenant',
        parentId: 'platform',
        name,
        owner: owner.ref,
      });
      const below = async (kind: 'project' | 'environment', parentId: ScopeId) =>
        tenancy.scope.create(everyone, {
          kind,
          parentId,
          name: 'shop',
          ...(kind === 'environment' ? { class: 'production' as const } : {}),
        });
      const project = await below('project', tenant.id);
      const environment = await below('environment', project.id);
      return {
        tenant: tenant.id as Id<'tnt'>,
        project: project.id as Id<'prj'>,
        environment: environment.id as Id<'env'>,
        owner,
      };
    },
    account: async (scopeId: 'platform' | Id<'tnt'>) =>
      tenancy.serviceAccount.create(everyone, { scopeId, name: fresh('robot') }),
    /** What the door would ask for this person. */
    snapshotOf: (one: Pick<Person, 'subject'>, groups: readonly string[] = []) =>
      tenancy.access.snapshot(everyone, {
        credential: { type: 'oidc', issuer, subject: one.subject, groups: [...groups] },
      }),
    snapshotOfToken: (text: string) => tenancy.access.snapshot(everyone, { credential: credentialOf(text) }),
  };
}

/** A token as the facade shows it to tenancy. */
export function credentialOf(text: string) {
  const token = readApiToken(text);
  if (token === undefined) throw new Error('not the text of a token');
  const secretSha256 = createHash('sha256').update(token.secret).digest('hex');
  return { type: 'token' as const, id: token.id, secretSha256 };
}

export const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
