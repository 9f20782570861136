import { defineContract } from './contract.js';
import { feedVerbs, invariantVerbs } from './shared-verbs.js';

/** What the task context offers the others so far: its feed and its invariants, nothing of its own domain yet. */
export const task = defineContract({
  context: 'task',
  nouns: { feed: feedVerbs, invariant: invariantVerbs },
});
