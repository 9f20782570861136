import type { policyRoutes } from '@sentral/contracts/api/tenancy/policy';
import { everyPlace } from '@sentral/contracts/api/tenancy/scoped';
import { jsonSchema } from '@sentral/contracts/openapi';
import { policyDefinitions, type PolicyDefinition } from '@sentral/contracts/policy';
import { toJsonSchema } from '@valibot/to-json-schema';
import { facade } from '../auth/sessions.js';
import { requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { onEach } from './scoped.js';
import { createdAt, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

type Tenancy = World['tenancy'];
type Bindings = Pick<Parameters<Tenancy['policy']['set']>[1], 'bindings'>;
type Page = { readonly limit?: number | undefined; readonly cursor?: string | undefined };

export function policyHandlers({ tenancy, inventory, cursors }: World): Handlers<typeof policyRoutes> {
  const scopeId = (asked: Asked) => asked.scopeId ?? 'platform';
  return {
    listPolicyDefinitions: async () => ({
      status: 200,
      body: { items: Object.entries(policyDefinitions).map(([key, each]) => definitionOf(key, each)) },
    }),
    getPolicyDefinition: async ({ params }) => ({
      status: 200,
      body: definitionOf(params.key, policyDefinitions[params.key]),
    }),
    ...onEach(everyPlace, { verb: 'get', noun: 'Policy' }, async (_: unknown, asked: Asked) =>
      shown(await tenancy.policy.get(asked.caller, { scopeId: scopeId(asked) })),
    ),
    ...onEach(everyPlace, { verb: 'set', noun: 'Policy' }, async ({ body }: { body: Bindings }, asked: Asked) =>
      shown(
        await tenancy.policy.set(asked.caller, { ...body, scopeId: scopeId(asked), version: requireVersion(asked) }),
      ),
    ),
    ...onEach(everyPlace, { verb: 'get', noun: 'EffectivePolicy' }, async (_: unknown, asked: Asked) => ({
      status: 200 as const,
      body: await tenancy.policy.effective(asked.caller, { scopeId: scopeId(asked) }),
    })),
    ...onEach(everyPlace, { verb: 'simulate', noun: 'Policy' }, async ({ body }: { body: Bindings }, asked: Asked) => {
      const effective = await tenancy.policy.preview(asked.caller, { ...body, scopeId: scopeId(asked) });
      const values = Object.fromEntries(effective.values.map(({ key, value }) => [key, value]));
      // The scope was authorized; what lies in it is counted whole, and named only to who may read it.
      const trial = await inventory.policyTrial.list(facade, { scopeId: scopeId(asked), values });
      const items = asked.access.may('inventory.allocation.read') ? trial.items : [];
      return { status: 200 as const, body: { effective, trial: { ...trial, items } } };
    }),
    ...onEach(
      everyPlace,
      { verb: 'create', noun: 'Exemption' },
      async ({ body }: { body: Omit<Parameters<Tenancy['exemption']['create']>[1], 'scopeId'> }, asked: Asked) =>
        createdAt(await tenancy.exemption.create(asked.caller, { ...body, scopeId: scopeId(asked) }), '/v1/exemptions'),
    ),
    ...onEach(everyPlace, { verb: 'list', noun: 'Exemptions' }, async ({ query }: { query: Page }, asked: Asked) =>
      listed(
        cursors,
        asked,
        await tenancy.exemption.list(asked.caller, { ...openCursor(cursors, asked, query), scopeId: scopeId(asked) }),
      ),
    ),
    getExemption: async ({ params }, asked) => shown(await tenancy.exemption.get(asked.caller, params)),
    amendExemption: async ({ params, body }, asked) =>
      shown(await tenancy.exemption.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    deleteExemption: async ({ params }, asked) =>
      shown(await tenancy.exemption.remove(asked.caller, { ...params, version: requireVersion(asked) })),
  };
}

function definitionOf(key: string, definition: PolicyDefinition) {
  const { context, title, merge, enforcedAt } = definition;
  return {
    key,
    context,
    title,
    schema: jsonSchema(toJsonSchema, definition.schema, { typeMode: 'input' }),
    default: definition.default,
    merge,
    enforcedAt: [...enforcedAt],
  };
}
