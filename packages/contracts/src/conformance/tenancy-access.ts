import { readApiToken } from '../api-token.js';
import type { Caller, Implements } from '../contract.js';
import type { Id } from '../ids.js';
import { roles } from '../roles.js';
import { defaultProjectId, defaultTenantId, type tenancy } from '../tenancy/index.js';
import type { Kit } from './kit.js';

type Subject = Implements<typeof tenancy>;

const issuer = 'https://conformance.example';
const blind = (kit: Kit): Caller =>
  kit.caller({ readScope: { tenantIds: ['tnt_01jdx3z6x7e008000000000009'], projectIds: [], environmentIds: [] } });
const person = async (subject: Subject, kit: Kit) => {
  const named = { issuer, subject: kit.name('person') };
  return { ...(await subject.user.register(kit.caller(), named)), ...named };
};
const as = (kit: Kit, id: Id<'usr'>): Caller => kit.caller({ principal: { id, type: 'user' } });

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The cases of access: principals, tokens, bindings, deny rules, and what is told of them. */
export const accessCases = [
  {
    title: 'a person is named once, comes under that name, and is shut out and let in again',
    async run(subject: Subject, kit: Kit) {
      const one = await person(subject, kit);
      await kit.refuses(
        'already-exists',
        subject.user.register(kit.caller(), { issuer: one.issuer, subject: one.subject }),
      );
      const credential = { type: 'oidc' as const, issuer: one.issuer, subject: one.subject, groups: [] };
      const { principal } = await subject.access.snapshot(kit.caller(), { credential });
      kit.equals([principal.id, principal.type], [one.id, 'user'], 'the credential stands for the user that was named');
      const { version } = await subject.user.disable(kit.caller(), { id: one.id, version: one.version });
      const refusal = await kit.refuses('unauthenticated', subject.access.snapshot(kit.caller(), { credential }));
      kit.equals(refusal.facts['reason'], 'revoked', 'who is shut out is told so');
      await kit.refuses('state-conflict', subject.user.disable(kit.caller(), { id: one.id }));
      await subject.user.enable(kit.caller(), { id: one.id, version });
      await subject.access.snapshot(kit.caller(), { credential });
    },
  },
  {
    title: 'of a person who is erased only the id is left, and who comes with its credential is somebody new',
    async run(subject: Subject, kit: Kit) {
      const one = await person(subject, kit);
      await kit.refuses('version-mismatch', subject.user.erase(kit.caller(), { id: one.id, version: 9 }));
      await kit.refuses('not-found', subject.user.erase(blind(kit), { id: one.id }));
      const gone = await subject.user.erase(kit.caller(), { id: one.id, version: one.version });
      kit.equals(
        [gone.state, gone.issuer, gone.subject, gone.displayName],
        ['erased', undefined, undefined, undefined],
        'nothing says who it was',
      );
      kit.equals(await subject.user.erase(kit.caller(), { id: one.id }), gone, 'again, it changes nothing');
      await kit.refuses(
        'state-conflict',
        subject.user.amend(kit.caller(), { id: one.id, patch: { displayName: 'X' } }),
      );
      await kit.refuses('state-conflict', subject.user.enable(kit.caller(), { id: one.id }));
      const { items } = await subject.user.list(kit.caller(), { issuer: one.issuer, subject: one.subject });
      kit.equals(items, [], 'it is not found by what it was called');
      const credential = { type: 'oidc' as const, issuer: one.issuer, subject: one.subject, groups: [] };
      const { principal } = await subject.access.snapshot(kit.caller(), { credential });
      kit.holds(principal.id !== one.id, 'whoever comes with it is another one');
    },
  },
  {
    title: 'a grant is in the next snapshot, moves the epoch, and is gone when it is taken back',
    async run(subject: Subject, kit: Kit) {
      const one = await person(subject, kit);
      const ask = () =>
        subject.access.snapshot(kit.caller(), {
          credential: { type: 'oidc', issuer: one.issuer, subject: one.subject, groups: [] },
        });
      const before = await subject.access.epoch(kit.caller(), {});
      const binding = await subject.roleBinding.create(kit.caller(), {
        scopeId: defaultProjectId,
        subject: { type: 'user', id: one.id },
        role: 'viewer',
      });
      const granted = await ask();
      kit.equals(
        granted.snapshot.grants.map(({ id }) => id),
        [binding.id],
        'the binding is the one grant',
      );
      kit.equals(
        granted.snapshot.grants[0]?.permissions.toSorted(),
        [...roles.viewer.permissions].toSorted(),
        'it holds what the role holds',
      );
      kit.holds(granted.snapshot.epoch > before.epoch, 'the epoch has moved');
      await kit.refuses('version-mismatch', subject.roleBinding.remove(kit.caller(), { id: binding.id, version: 9 }));
      await subject.roleBinding.remove(kit.caller(), { id: binding.id, version: binding.version });
      kit.equals((await ask()).snapshot.grants, [], 'nothing is granted any more');
      await kit.refuses('not-found', subject.roleBinding.get(kit.caller(), { id: binding.id }));
    },
  },
  {
    title: 'nobody grants what it does not hold, and the refusal names what is missing and where',
    async run(subject: Subject, kit: Kit) {
      const [admin, other] = [await person(subject, kit), await person(subject, kit)];
      const grant = (who: Caller, role: 'owner' | 'admin', id: Id<'usr'>) =>
        subject.roleBinding.create(who, { scopeId: defaultTenantId, subject: { type: 'user', id }, role });
      await grant(kit.caller(), 'admin', admin.id);
      await grant(as(kit, admin.id), 'admin', other.id);
      const refusal = await kit.refuses('permission-denied', grant(as(kit, admin.id), 'owner', other.id));
      kit.equals(refusal.facts['scope'], defaultTenantId, 'it says where');
      kit.holds(typeof refusal.facts['missingPermission'] === 'string', 'and what');
      await kit.refuses(
        'state-conflict',
        subject.roleBinding.create(kit.caller(), {
          scopeId: defaultTenantId,
          subject: { type: 'user', id: other.id },
          role: 'break-glass',
        }),
      );
      await kit.refuses(
        'permission-denied',
        subject.roleBinding.breakGlass(as(kit, other.id), {
          scopeId: defaultTenantId,
          ttlSeconds: 60,
          reason: 'a case',
        }),
      );
    },
  },
  {
    title: 'an API token is shown once, stands for its account, and ends when it is revoked',
    async run(subject: Subject, kit: Kit) {
      const account = await subject.serviceAccount.create(kit.caller(), {
        scopeId: defaultTenantId,
        name: kit.name('robot'),
      });
      const key = kit.name('key');
      const keyed = kit.caller({ idempotency: { scope: 'conformance', key, fingerprint: key } });
      const made = await subject.token.create(keyed, { serviceAccountId: account.id, name: 'one' });
      const read = readApiToken(made.secret ?? '');
      kit.equals(read?.id, made.id, 'the text names the token');
      const again = await subject.token.create(keyed, { serviceAccountId: account.id, name: 'one' });
      kit.equals(
        [again.id, again.secret, again.replayed],
        [made.id, null, true],
        'a repeated key does not show it again',
      );
      kit.equals((await subject.token.get(kit.caller(), { id: made.id })).secret, undefined, 'nor does a read');
      const credential = { type: 'token' as const, id: made.id, secretSha256: await sha256(read?.secret ?? '') };
      const { principal } = await subject.access.snapshot(kit.caller(), { credential });
      kit.equals([principal.id, principal.tokenId], [account.id, made.id], 'it stands for its account');
      await kit.refuses(
        'unauthenticated',
        subject.access.snapshot(kit.caller(), {
          credential: { ...credential, secretSha256: await sha256('another') },
        }),
      );
      await subject.token.create(kit.caller(), { serviceAccountId: account.id, name: 'two' });
      await kit.refuses(
        'state-conflict',
        subject.token.create(kit.caller(), { serviceAccountId: account.id, name: 'three' }),
      );
      await subject.token.revoke(kit.caller(), { id: made.id, version: made.version });
      const refusal = await kit.refuses('unauthenticated', subject.access.snapshot(kit.caller(), { credential }));
      kit.equals(refusal.facts['reason'], 'revoked', 'and says that it was revoked');
      await subject.serviceAccount.remove(kit.caller(), { id: account.id });
      await kit.refuses('not-found', subject.serviceAccount.get(kit.caller(), { id: account.id }));
    },
  },
  {
    title: 'a deny rule beats the grant, is named by an explanation, and its author cannot be its exception',
    async run(subject: Subject, kit: Kit) {
      const one = await person(subject, kit);
      const ref = { type: 'user' as const, id: one.id };
      await subject.roleBinding.create(kit.caller(), { scopeId: defaultTenantId, subject: ref, role: 'owner' });
      const explain = () =>
        subject.access.explain(kit.caller(), {
          principalId: one.id,
          permission: 'task.task.cancel',
          scopeId: defaultProjectId,
        });
      const before = await explain();
      kit.equals([before.allowed, before.grants.length, before.denies], [true, 1, []], 'the grant allows it');
      const content = { scopeId: defaultTenantId, permissions: ['task.task.cancel'], reason: 'a case' };
      const rule = await subject.denyRule.create(kit.caller(), { ...content, subjects: [ref] });
      const after = await explain();
      kit.equals(
        [after.allowed, after.denies.map(({ denyRuleId }) => denyRuleId)],
        [false, [rule.id]],
        'the rule forbids it',
      );
      await kit.refuses(
        'permission-denied',
        subject.denyRule.create(as(kit, one.id), {
          ...content,
          subjects: 'all',
          exceptions: [ref],
        }),
      );
      await kit.refuses('permission-denied', subject.denyRule.remove(as(kit, one.id), { id: rule.id }));
      await kit.refuses(
        'validation-failed',
        subject.denyRule.create(kit.caller(), {
          ...content,
          permissions: ['task.task.dance'],
          subjects: 'all',
        }),
      );
      await subject.denyRule.remove(kit.caller(), { id: rule.id, version: rule.version });
      kit.equals((await explain()).allowed, true, 'it is allowed again');
    },
  },
  {
    title: 'what the caller may not see of access is as missing as what never was',
    async run(subject: Subject, kit: Kit) {
      const account = await subject.serviceAccount.create(kit.caller(), {
        scopeId: defaultTenantId,
        name: kit.name('robot'),
      });
      const binding = await subject.roleBinding.create(kit.caller(), {
        scopeId: defaultTenantId,
        subject: { type: 'serviceAccount', id: account.id },
        role: 'viewer',
      });
      const never = '01jdx3z6x7e008000000000009';
      const pairs = [
        [
          () => subject.serviceAccount.get(blind(kit), { id: account.id }),
          () => subject.serviceAccount.get(kit.caller(), { id: `sac_${never}` as Id<'sac'> }),
        ],
        [
          () => subject.roleBinding.get(blind(kit), { id: binding.id }),
          () => subject.roleBinding.get(kit.caller(), { id: `rbd_${never}` as Id<'rbd'> }),
        ],
      ];
      for (const pair of pairs) {
        const told: unknown[] = [];
        for (const ask of pair) told.push((await kit.refuses('not-found', ask())).toJSON());
        kit.equals(told[0], told[1], 'both refusals are the same to the byte');
      }
      kit.equals((await subject.roleBinding.list(blind(kit), {})).items, [], 'its lists are empty');
      kit.equals((await subject.user.list(blind(kit), {})).items, [], 'and it sees no users');
      await kit.refuses('not-found', subject.roleBinding.remove(blind(kit), { id: binding.id }));
    },
  },
];
