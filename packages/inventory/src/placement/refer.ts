import type { Caller } from '@sentral/contracts/contract';
import type { Placement } from '@sentral/contracts/inventory/placement';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { query } from '@sentral/kernel/page';
import { allocationSeen, seenIds, type Sight } from '../reading.js';
import { unregistered } from '../trait/sql.js';
import { listUnknownClasses, listUnknownKinds, type Asks } from './sql.js';

interface Named {
  readonly asked: Placement;
  /** Where it stands in the command. */
  readonly at: string;
  readonly caller: Caller;
  readonly sight: Sight;
}

/**
 * What a placement names is there for the caller: what is not seen is answered like what never was.
 * @throws Problem reference-not-found | validation-failed
 */
export async function expectReferences(db: Asks, { asked, at, caller, sight }: Named): Promise<void> {
  const missing = (pointer: string, resourceType: string) =>
    problem('reference-not-found', { pointer: `${at}${pointer}`, resourceType });
  const first = (
    named: readonly { readonly value: string; readonly pointer: string }[],
    gone: ReadonlySet<string>,
    resourceType: string,
  ) => {
    const found = named.find(({ value }) => gone.has(value));
    if (found !== undefined) throw missing(found.pointer, resourceType);
  };

  const classes = classesOf(asked);
  first(classes, new Set(await listUnknownClasses(db, values(classes))), 'resourceClass');
  const traits = traitsOf(asked);
  first(traits, new Set(await unregistered(db, values(traits))), 'trait');

  const levels = levelsOf(asked);
  const unknown = await listUnknownKinds(db, values(levels));
  first(levels, new Set(unknown.filter(({ exists }) => !exists).map(({ key }) => key)), 'kind');
  const level = levels.find(({ value, as }) => unknown.some(({ key, fault }) => key === value && fault === as));
  if (level !== undefined)
    throw problem('validation-failed', {
      errors: [
        {
          pointer: `${at}${level.pointer}`,
          code: 'not_possible',
          message: level.as === 'given' ? 'is no kind that is given out whole' : 'is no kind of failure domain',
        },
      ],
    });

  const pools = asked.pools.flatMap(({ poolIds }, index) =>
    poolIds.map((id, place) => ({ value: decodeId('pol', id), pointer: `/pools/${index}/poolIds/${place}` })),
  );
  first(pools, await unseen(db, sight, 'pool', values(pools)), 'pool');
  const location =
    asked.location === undefined ? [] : [{ value: decodeId('nod', asked.location), pointer: '/location' }];
  first(location, await unseen(db, sight, 'node', values(location)), 'node');

  const allocations = allocationsOf(asked);
  if (allocations.length === 0) return;
  const q = query();
  q.and(`a.id = any(${q.value(values(allocations))}::uuid[])`);
  q.and(allocationSeen(q, caller, 'a'));
  const rows = await db.unsafe(`select a.id::text as id from allocation a ${q.where()}`, q.params);
  const seen = new Set(rows.map((row) => row['id'] as string));
  first(allocations, new Set(values(allocations).filter((id) => !seen.has(id))), 'allocation');
}

const values = (named: readonly { readonly value: string }[]): string[] => named.map(({ value }) => value);

async function unseen(
  db: Asks,
  sight: Sight,
  noun: 'node' | 'pool',
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  // Also of what everyone may see, an id that never was is no reference.
  const live = noun === 'pool' ? 'ended_at is null' : `state <> 'retired'`;
  const rows = await db.unsafe(`select id::text as id from ${noun} where id = any($1::uuid[]) and ${live}`, [[...ids]]);
  const there = await seenIds(db, sight, { noun, ids: rows.map((row) => row['id'] as string) });
  return new Set(ids.filter((id) => !there.has(id)));
}

const classesOf = (asked: Placement) => [
  ...asked.resources.flatMap((each, n) =>
    'class' in each ? [{ value: each.class, pointer: `/resources/${n}/class` }] : [],
  ),
  ...asked.groups.flatMap((group, n) =>
    group.resources.map((each, m) => ({ value: each.class, pointer: `/groups/${n}/resources/${m}/class` })),
  ),
];

function traitsOf(asked: Placement) {
  const of = (
    { requiredTraits, forbiddenTraits }: Pick<Placement, 'requiredTraits' | 'forbiddenTraits'>,
    at: string,
  ) => [
    ...requiredTraits.flatMap((trait, n) =>
      typeof trait === 'string'
        ? [{ value: trait, pointer: `${at}/requiredTraits/${n}` }]
        : trait.anyOf.map((each, m) => ({ value: each, pointer: `${at}/requiredTraits/${n}/anyOf/${m}` })),
    ),
    ...forbiddenTraits.map((trait, n) => ({ value: trait, pointer: `${at}/forbiddenTraits/${n}` })),
  ];
  return [...of(asked, ''), ...asked.groups.flatMap((group, n) => of(group, `/groups/${n}`))];
}

const levelsOf = (asked: Placement) => [
  ...asked.resources.flatMap((each, n) =>
    'kind' in each ? [{ value: each.kind, pointer: `/resources/${n}/kind`, as: 'given' as const }] : [],
  ),
  ...(['spread', 'near', 'avoid'] as const).flatMap((field) => {
    const level = asked[field]?.level;
    return level === undefined ? [] : [{ value: level, pointer: `/${field}/level`, as: 'domain' as const }];
  }),
];

const allocationsOf = (asked: Placement) =>
  [
    { ids: asked.spread?.with ?? [], at: '/spread/with' },
    { ids: asked.near?.allocationIds ?? [], at: '/near/allocationIds' },
    { ids: asked.avoid?.allocationIds ?? [], at: '/avoid/allocationIds' },
  ].flatMap(({ ids, at }) => ids.map((id, n) => ({ value: decodeId('alc', id), pointer: `${at}/${n}` })));
