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
      await kit.refuses('permission-denied', subject.feed.versions(ofOneTenant(kit), {}));
      await kit.refuses('permission-denied', subject.invariant.list(ofOneTenant(kit), {}));
    },
  },
  {
    title: 'every fact comes once, with its version, whatever the size of the pages',
    async run(subject: Watched, kit: Kit) {
      const walk = async (limit: number) => {
        const seen: string[] = [];
        let cursor: string | undefined;
        for (let page = 0; page < 500; page += 1) {
          const { items, nextCursor } = await subject.feed.versions(kit.caller(), { limit, cursor });
          seen.push(...items.map(({ type, id }) => `${type} ${id}`));
          if (nextCursor === undefined) break;
          cursor = nextCursor;
        }
        return seen;
      };
      const whole = await walk(1000);
      kit.equals(new Set(whole).size, whole.length, 'none comes twice');
      kit.equals((await walk(whole.length < 200 ? 1 : 100)).length, whole.length, 'small pages bring the same');
      await kit.refuses('invalid-cursor', subject.feed.versions(kit.caller(), { cursor: 'x' }));
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
