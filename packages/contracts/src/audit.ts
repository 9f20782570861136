import { defineContract } from './contract.js';
import { feedVerbs, invariantVerbs } from './shared-verbs.js';

/** What the audit context offers the others so far: its feed and its invariants, nothing of its own domain yet. */
export const audit = defineContract({
  context: 'audit',
  nouns: { feed: feedVerbs, invariant: invariantVerbs },
});
