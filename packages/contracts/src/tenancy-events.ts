import { defineEvents } from './events.js';
import { scopeSchema } from './tenancy.js';

/** Everything that tenancy says publicly: one event a change, its data the resource as it is after the change. */
export const tenancyEvents = defineEvents({
  context: 'tenancy',
  events: {
    'scope.created': { summary: 'A tenant, project or environment was created.', data: scopeSchema },
    'scope.changed': { summary: 'A scope was changed, or its state was.', data: scopeSchema },
  },
});
