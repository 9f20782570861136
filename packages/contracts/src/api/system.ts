import * as v from 'valibot';
import { principalTypes, readScopeSchema } from '../contract.js';
import { route } from '../route.js';
import { invariantSchema } from '../shared-verbs.js';
import { countSchema, timeSchema } from './common.js';

/** How one part of the deployment is: `degraded` parts do not make it unready. */
export const partHealthSchema = v.object({
  name: v.string(),
  status: v.picklist(['ok', 'degraded', 'unavailable']),
  reason: v.optional(v.string()),
});

export const readinessSchema = v.object({
  status: v.picklist(['ready', 'draining', 'unready']),
  parts: v.array(partHealthSchema),
  /** True for 24 h after an administrator was made over the head of those there are. */
  bootstrapOverride: v.optional(v.boolean()),
});

export const whoamiSchema = v.object({
  principal: v.object({ id: v.string(), type: v.picklist(principalTypes), displayName: v.optional(v.string()) }),
  accessEpoch: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** Where the caller may read scopes. */
  readScope: readScopeSchema,
  /** When the credential ends; absent for one that does not. */
  expiresAt: v.optional(timeSchema),
});

/** What must always hold, looked up in live data: of every context that answers. */
export const invariantsSchema = v.object({
  /** When it was looked up; what was asked a moment ago is not looked up again. */
  at: timeSchema,
  /** True where every context answered, everything could be looked up, and nothing is broken. */
  holds: v.boolean(),
  contexts: v.array(
    v.object({
      context: v.string(),
      status: v.picklist(['ok', 'unavailable']),
      reason: v.optional(v.string()),
      invariants: v.array(invariantSchema),
    }),
  ),
});

/** How the process that answers is, and what it sees of the rest. */
export const diagnosticsSchema = v.object({
  at: timeSchema,
  /** Of the release that runs. */
  version: v.string(),
  node: v.string(),
  mode: v.string(),
  uptimeSeconds: countSchema,
  residentMib: countSchema,
  readiness: readinessSchema,
  /** Contexts that run in this process. */
  contexts: v.array(v.string()),
  /** Connections to databases, by context and role. */
  pools: v.array(
    v.object({
      context: v.string(),
      role: v.string(),
      size: countSchema,
      open: countSchema,
      busy: countSchema,
      /** Callers that wait for a connection. */
      waiting: countSchema,
    }),
  ),
  bus: v.object({ connected: v.boolean(), detail: v.string() }),
  /** Feeds of the contexts that run here; fields are absent where they could not be had in time. */
  feeds: v.array(
    v.object({
      context: v.string(),
      /** Facts without a position yet, and the age of the oldest. */
      unnumbered: v.optional(countSchema),
      oldestSeconds: v.optional(v.number()),
      /** With a position, and not on the bus yet. */
      unpublished: v.optional(countSchema),
      /** With a position, and not on record yet. */
      unrecorded: v.optional(countSchema),
    }),
  ),
});

/** What is asked of the deployment itself. */
export const systemRoutes = {
  livez: route({
    operationId: 'livez',
    method: 'GET',
    path: '/livez',
    summary: 'Says that the process answers.',
    tags: ['system'],
    permission: null,
    responses: { 200: { description: 'It answers.', schema: v.object({ status: v.literal('ok') }) } },
    problems: [],
  }),
  readyz: route({
    operationId: 'readyz',
    method: 'GET',
    path: '/readyz',
    summary: 'Says whether requests should be sent here, and how each part is.',
    tags: ['system'],
    permission: null,
    responses: {
      200: { description: 'Ready; parts may be degraded.', schema: readinessSchema },
      503: { description: 'Draining, or a needed database cannot be written.', schema: readinessSchema },
    },
    problems: [],
  }),
  openapi: route({
    operationId: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    tags: ['system'],
    permission: null,
    responses: { 200: { description: 'OpenAPI 3.1.', schema: v.record(v.string(), v.unknown()) } },
    problems: [],
  }),
  asyncapi: route({
    operationId: 'asyncapi',
    method: 'GET',
    path: '/asyncapi.json',
    summary: 'The events on the bus.',
    tags: ['system'],
    permission: null,
    responses: { 200: { description: 'AsyncAPI 3.0.', schema: v.record(v.string(), v.unknown()) } },
    problems: [],
  }),
  listSystemInvariants: route({
    operationId: 'listSystemInvariants',
    method: 'GET',
    path: '/v1/system/invariants',
    summary: 'What must always hold and no constraint can say, looked up in live data of every context, read only.',
    tags: ['system'],
    permission: 'system.invariant.read',
    on: 'platform',
    responses: { 200: { description: 'What holds and what is broken.', schema: invariantsSchema } },
    problems: [],
  }),
  getSystemDiagnostics: route({
    operationId: 'getSystemDiagnostics',
    method: 'GET',
    path: '/v1/system/diagnostics',
    summary: 'How the process that answers is: health, connections, lag of feeds, release.',
    tags: ['system'],
    permission: 'system.diagnostics.read',
    on: 'platform',
    responses: { 200: { description: 'How it is now.', schema: diagnosticsSchema } },
    problems: [],
  }),
  whoami: route({
    operationId: 'whoami',
    method: 'GET',
    path: '/v1/whoami',
    summary: 'Says who the caller is, as Sentral sees it.',
    tags: ['access'],
    permission: null,
    self: true,
    responses: { 200: { description: 'The caller.', schema: whoamiSchema } },
    problems: [],
  }),
} as const;
