import * as v from 'valibot';
import { policyTrial } from '../../inventory/usage.js';
import { policyKeys } from '../../policy.js';
import { route } from '../../route.js';
import { effectivePolicySchema, exemption, policy } from '../../tenancy/policy.js';
import { pageQuery } from '../common.js';
import { byId, changeQuery, created, found, mergePatch, versioned } from '../inventory/shape.js';
import { everyPlace, onEach } from './scoped.js';

const tags = ['policy'];

const definitionSchema = v.object({
  key: v.string(),
  context: v.string(),
  title: v.string(),
  /** JSON Schema of a value. */
  schema: v.record(v.string(), v.unknown()),
  default: v.unknown(),
  merge: v.picklist(['intersect', 'union', 'min', 'max', 'replace']),
  /** Actions at which the owning context looks at it. */
  enforcedAt: v.array(v.string()),
});

/** What may be done and how, bound on scopes, resolved from the root to the leaf. */
export const policyRoutes = {
  listPolicyDefinitions: route({
    operationId: 'listPolicyDefinitions',
    method: 'GET',
    path: '/v1/policyDefinitions',
    summary: 'The policies there are, what their values look like, and how they merge.',
    tags,
    permission: null,
    self: true,
    responses: found('All of them.', v.object({ items: v.array(definitionSchema) })),
    problems: [],
  }),
  getPolicyDefinition: route({
    operationId: 'getPolicyDefinition',
    method: 'GET',
    path: '/v1/policyDefinitions/:key',
    summary: 'One policy.',
    tags,
    permission: null,
    self: true,
    params: v.object({ key: v.picklist(policyKeys) }),
    responses: found('The policy.', definitionSchema),
    problems: [],
  }),
  ...onEach(
    everyPlace,
    { verb: 'get', noun: 'Policy', tail: '/policy' },
    {
      method: 'GET',
      summary: 'What is bound on this very scope.',
      tags,
      permission: 'tenancy.policy.read',
      responses: versioned('As it is; version 0 while nothing was ever bound.', policy.get.result),
      problems: [],
    },
  ),
  ...onEach(
    everyPlace,
    { verb: 'set', noun: 'Policy', tail: '/policy' },
    {
      method: 'PUT',
      summary: 'Replaces what is bound on this very scope.',
      tags,
      permission: 'tenancy.policy.update',
      query: changeQuery,
      body: v.omit(policy.set.command, ['scopeId', 'version']),
      responses: versioned('As it is now.', policy.set.result),
      problems: ['precondition-required', ...policy.set.refuses],
    },
  ),
  ...onEach(
    everyPlace,
    { verb: 'get', noun: 'EffectivePolicy', tail: '/effectivePolicy' },
    {
      method: 'GET',
      summary: 'What holds here, and which bindings made it so.',
      tags,
      permission: 'tenancy.policy.read',
      responses: found('Each value with its contributions.', policy.effective.result),
      problems: [],
    },
  ),
  ...onEach(
    everyPlace,
    { verb: 'simulate', noun: 'Policy', tail: '/policy/simulate' },
    {
      method: 'POST',
      summary: 'What these bindings would make hold here, and what exists now that they would have refused.',
      tags,
      permission: 'tenancy.policy.simulate',
      body: v.omit(policy.preview.command, ['scopeId']),
      responses: found(
        'The trial; nothing is changed.',
        v.object({ effective: effectivePolicySchema, trial: policyTrial.list.result }),
      ),
      problems: [],
    },
  ),
  ...onEach(
    everyPlace,
    { verb: 'create', noun: 'Exemption', tail: '/exemptions' },
    {
      method: 'POST',
      summary: 'Lifts a policy here and below, until a time and with a reason.',
      tags,
      permission: 'tenancy.exemption.create',
      query: changeQuery,
      body: v.omit(exemption.create.command, ['scopeId']),
      responses: created('The exemption.', exemption.create.result),
      problems: [...exemption.create.refuses],
    },
  ),
  ...onEach(
    everyPlace,
    { verb: 'list', noun: 'Exemptions', tail: '/exemptions' },
    {
      method: 'GET',
      summary: 'Exemptions of the scope.',
      tags,
      permission: 'tenancy.exemption.read',
      query: v.strictObject(pageQuery),
      responses: found('A page.', exemption.list.result),
      problems: [...exemption.list.refuses],
    },
  ),
  getExemption: route({
    operationId: 'getExemption',
    method: 'GET',
    path: '/v1/exemptions/:id',
    summary: 'One exemption.',
    tags,
    permission: 'tenancy.exemption.read',
    on: 'item',
    params: byId('pex'),
    responses: versioned('As it is.', exemption.get.result),
    problems: [],
  }),
  amendExemption: route({
    operationId: 'amendExemption',
    method: 'PATCH',
    path: '/v1/exemptions/:id',
    summary: 'Changes until when, and why.',
    tags,
    permission: 'tenancy.exemption.update',
    on: 'item',
    params: byId('pex'),
    query: changeQuery,
    bodyType: mergePatch,
    body: exemption.amend.command.entries.patch,
    responses: versioned('As it is now.', exemption.amend.result),
    problems: ['precondition-required', ...exemption.amend.refuses],
  }),
  deleteExemption: route({
    operationId: 'deleteExemption',
    method: 'DELETE',
    path: '/v1/exemptions/:id',
    summary: 'Ends an exemption: the policy holds again.',
    tags,
    permission: 'tenancy.exemption.delete',
    on: 'item',
    params: byId('pex'),
    query: changeQuery,
    responses: versioned('As it was.', exemption.remove.result),
    problems: ['precondition-required', ...exemption.remove.refuses],
  }),
} as const;
