import type { Implements } from '../contract.js';
import type { feedVerbs, invariantVerbs } from '../shared-verbs.js';
import { defaultTenantId } from '../tenancy/index.js';
import type { Kit } from './kit.js';

/** What every context offers. */
type Watched = Implements<{ context: string; nouns: { feed: typeof feedVerbs; invariant: typeof invariantVerbs } }>;

const ofOneTenant = (kit: Kit) =>
  kit.caller({ readScope: { tenantIds: [defaultTenantId], projectIds: [], environmentIds: [] } });

/** The cases of the nouns that every context has: `feed` and `invariant`. */
export const sharedVerbCases = [
  {
    title: 'the feed is dense: pages follow each other without a gap, and the last one ends',
    async run(subject: Watched, kit: Kit) {
      let afterPos = 0;
      for (let page = 0; page < 50; page += 1) {
        const { items, more } = await subject.feed.page(kit.caller(), { afterPos, limit: 2 });
        for (const item of items) {
          kit.equals(item.pos, afterPos + 1, 'each position is the one before it plus 1');
          afterPos = item.pos;
        }
        if (!more) return;
      }
    },
  },
  {
    title: 'the feed and the invariants are not for a caller who sees less than everything',
    async run(subject: Watched, kit: Kit) {
      await kit.refuses('permission-denied', subject.feed.page(ofOneTenant(kit), { afterPos: 0 }));
      await kit.refuses('permission-denied', subject.invariant.list(ofOneTenant(kit), {}));
    },
  },
  {
    title: 'a position below zero and a page of more than a thousand are refused as content',
    async run(subject: Watched, kit: Kit) {
      await kit.refuses('validation-failed', subject.feed.page(kit.caller(), { afterPos: -1 }));
      await kit.refuses('validation-failed', subject.feed.page(kit.caller(), { afterPos: 0, limit: 1001 }));
    },
  },
  {
    title: 'every invariant holds, each with a name and a statement of its own',
    async run(subject: Watched, kit: Kit) {
      const { items } = await subject.invariant.list(kit.caller(), {});
      kit.holds(items.length > 0, 'at least one invariant is looked up');
      kit.equals(new Set(items.map((item) => item.name)).size, items.length, 'names are unique');
      kit.equals(
        items.filter((item) => item.violations > 0),
        [],
        'none is broken',
      );
    },
  },
] as const;
