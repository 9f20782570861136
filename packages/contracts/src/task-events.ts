import * as v from 'valibot';
import { defineEvents } from './events.js';
import { scheduleToldSchema } from './task/schedule.js';
import { taskSchema } from './task/task.js';

// Input and output are the tenant's own and may be long: whoever may see them reads the task.
const task = { data: v.omit(taskSchema, ['replayed', 'input', 'output']) };

const schedule = { data: scheduleToldSchema };

/** What task says publicly: one event a change of state or of a hold; the steps of one task are read from task itself. */
export const taskEvents = defineEvents({
  context: 'task',
  events: {
    'task.created': { summary: 'Work was asked for.', ...task },
    'task.running': { summary: 'Its steps are being done.', ...task },
    'task.unwinding': { summary: 'Its steps are being taken back.', ...task },
    'task.stuck': { summary: 'It needs a person.', ...task },
    'task.succeeded': { summary: 'All of it was done.', ...task },
    'task.failed': { summary: 'It could not be done, and everything was taken back.', ...task },
    'task.cancelled': { summary: 'It was not wanted any more, and everything was taken back.', ...task },
    'task.abandoned': { summary: 'A person ended it as it was.', ...task },
    'task.held': { summary: 'Nothing new is sent until it is resumed.', ...task },
    'task.resumed': { summary: 'The hold on it was lifted.', ...task },
    'schedule.created': { summary: 'Work is to be begun again and again.', ...schedule },
    'schedule.amended': {
      summary: 'It is begun in another way, or by somebody else, or not for a while.',
      ...schedule,
    },
    'schedule.held': { summary: 'It was stopped: its owner may not begin it any more, or it cannot be.', ...schedule },
    'schedule.removed': { summary: 'It is begun no more; as it was.', ...schedule },
    'task.asked': { summary: 'A person asked for something that left its state as it was.', ...task },
  },
});
export type TaskEventName = keyof typeof taskEvents.events;
