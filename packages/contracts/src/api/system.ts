import * as v from 'valibot';
import { principalTypes, readScopeSchema } from '../contract.js';
import { route } from '../route.js';
import { timeSchema } from './common.js';

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
