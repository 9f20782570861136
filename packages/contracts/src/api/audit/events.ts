import * as v from 'valibot';
import { scopeIdSchema } from '../../contract.js';
import { cloudEventSchema } from '../../events.js';
import { route } from '../../route.js';
import { pageOf, pageQuery, text } from '../common.js';
import { anyOf, found } from '../inventory/shape.js';

/** What happens, as it happens, to who may read the things that it happens to. */
export const eventRoutes = {
  listEvents: route({
    operationId: 'listEvents',
    method: 'GET',
    path: '/v1/events',
    summary:
      'Public events of a scope, each as far as the caller may read the thing that changed. With `Accept: text/event-stream` a stream of them (SSE): `id` is `<log>:<seq>`, `Last-Event-ID` resumes, and without it the stream begins with what comes next. Else pages, from the first one on.',
    tags: ['events'],
    permission: 'audit.event.read',
    on: 'queryScope',
    query: v.strictObject({
      ...pageQuery,
      /** A tenant, project, environment, or `platform`. */
      scope: scopeIdSchema,
      /** `inventory.allocation.held`, or the whole type of the CloudEvent; repeated, or separated by commas. */
      types: v.optional(anyOf(text(1, 128))),
    }),
    responses: found('A page of events, the oldest first.', pageOf(cloudEventSchema)),
    problems: ['invalid-cursor', 'position-expired'],
  }),
} as const;
