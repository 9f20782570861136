import { defineContract } from './contract.js';
import { feedVerbs, invariantVerbs, scopeUserVerbs, usageNow } from './shared-verbs.js';

/** What the task context offers the others so far: its feed, its invariants, and what of it lives in a scope. */
export const task = defineContract({
  context: 'task',
  nouns: {
    feed: feedVerbs,
    invariant: invariantVerbs,
    usage: { ...scopeUserVerbs.usage, now: usageNow },
    projection: scopeUserVerbs.projection,
  },
});
