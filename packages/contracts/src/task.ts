import { defineContract } from './contract.js';
import { feedVerbs, invariantVerbs, scopeUserVerbs, usageNow } from './shared-verbs.js';
import { schedule } from './task/schedule.js';
import { serviceGate } from './task/service-gate.js';
import { event, step } from './task/step.js';
import { taskNoun } from './task/task.js';
import { deadLetter, finding } from './task/trouble.js';

/** What the task context offers the others: long-running work, its steps and its story, and what of it lives in a scope. */
export const task = defineContract({
  context: 'task',
  nouns: {
    task: taskNoun,
    step,
    event,
    schedule,
    serviceGate,
    finding,
    deadLetter,
    feed: feedVerbs,
    invariant: invariantVerbs,
    usage: { ...scopeUserVerbs.usage, now: usageNow },
    projection: scopeUserVerbs.projection,
  },
});
