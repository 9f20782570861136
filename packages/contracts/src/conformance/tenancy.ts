import { defaultEnvironmentId, defaultProjectId, defaultTenantId, tenancy } from '../tenancy/index.js';
import type { Id } from '../ids.js';
import { conformance, type Kit } from './kit.js';
import { sharedVerbCases } from './shared-verbs.js';
import { accessCases } from './tenancy-access.js';

const stranger = (kit: Kit) =>
  kit.caller({
    readScope: { tenantIds: ['tnt_01jdx3z6x7e008000000000009'], projectIds: [], environmentIds: [] },
  });

/** What holds for tenancy's contract, near, far and in every fake. */
export const tenancyConformance = conformance(tenancy, [
  ...sharedVerbCases,
  ...accessCases,
  {
    title: 'the seeded scopes have the ids of the contract, and the path names the platform first',
    async run(subject, kit) {
      const { rows, effectiveState } = await subject.scope.path(kit.caller(), { id: defaultEnvironmentId });
      kit.equals(
        rows.map((scope) => scope.id),
        ['platform', defaultTenantId, defaultProjectId, defaultEnvironmentId],
        'the path of the default environment',
      );
      kit.equals(effectiveState, 'active', 'nothing above it is suspended');
    },
  },
  {
    title: 'get answers the version that path tells the projections',
    async run(subject, kit) {
      const { rows } = await subject.scope.path(kit.caller(), { id: defaultProjectId });
      const { version } = await subject.scope.get(kit.caller(), { id: defaultProjectId });
      kit.equals(version, rows.at(-1)?.version, 'the version of the default project');
    },
  },
  {
    title: 'a scope that the caller may not read is as missing as one that never was',
    async run(subject, kit) {
      const hidden = await kit.refuses('not-found', subject.scope.get(stranger(kit), { id: defaultProjectId }));
      const missing = await kit.refuses(
        'not-found',
        subject.scope.get(kit.caller(), { id: 'prj_01jdx3z6x7e008000000000009' as Id<'prj'> }),
      );
      kit.equals(hidden.toJSON(), missing.toJSON(), 'both refusals are the same to the byte');
      await kit.refuses('not-found', subject.scope.path(stranger(kit), { id: defaultProjectId }));
      kit.equals(
        (await subject.scope.list(stranger(kit), { kind: 'project' })).items,
        [],
        'its lists are empty, and do not count what is hidden',
      );
      await kit.refuses('permission-denied', subject.scope.page(stranger(kit), {}));
    },
  },
  {
    title: 'pages go through all scopes once, whatever their size',
    async run(subject, kit) {
      const whole = await subject.scope.page(kit.caller(), { limit: 1000 });
      const seen: string[] = [];
      for (let more = true; more;) {
        const afterId = seen.at(-1);
        const page = await subject.scope.page(kit.caller(), {
          limit: 1,
          ...(afterId === undefined ? {} : { afterId: afterId as Id<'prj'> }),
        });
        seen.push(...page.rows.map((scope) => scope.id));
        more = page.more;
      }
      kit.equals(
        seen,
        whole.rows.map((scope) => scope.id),
        'one at a time gives the same scopes in the same order',
      );
    },
  },
]);
