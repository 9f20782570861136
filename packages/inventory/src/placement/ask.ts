import { decodeId } from '@sentral/contracts/ids';
import type { Placement } from '@sentral/contracts/inventory/placement';
import { readSelector, type Requirement } from '@sentral/contracts/label-selector';
import { problem } from '@sentral/contracts/problem';

export interface Need {
  readonly class: string;
  readonly amount: number;
}

/** What a node must be like: of each list of traits one, of the forbidden none. */
export interface Likeness {
  readonly required: readonly (readonly string[])[];
  readonly forbidden: readonly string[];
  readonly labels: readonly Requirement[];
}

/** Amounts that one node must have together; without a name, one amount that any node of the host may have. */
export interface Unit extends Likeness {
  readonly name: string | undefined;
  readonly needs: readonly Need[];
}

export interface Beside {
  readonly allocationIds: readonly string[];
  /** Undefined is the host itself. */
  readonly level: string | undefined;
}

/** A placement as it is judged: ids as the database has them. */
export interface Ask extends Likeness {
  /** Whole nodes of this kind; then there are no units. */
  readonly kind: string | undefined;
  readonly count: number;
  readonly units: readonly Unit[];
  readonly isolate: boolean;
  /** Places of units in `units`, of which one holds the others. */
  readonly sameSubtree: readonly (readonly number[])[];
  readonly pools: readonly { readonly is: 'in' | 'notIn'; readonly poolIds: readonly string[] }[];
  readonly location: string | undefined;
  readonly spread: { readonly level: string; readonly max: number; readonly with: readonly string[] } | undefined;
  readonly near: Beside | undefined;
  readonly avoid: Beside | undefined;
  readonly strategy: Placement['strategy'];
}

type Given = Omit<Placement, 'resources'> & Pick<Placement, 'resources'>;
type Like = Pick<Placement, 'requiredTraits' | 'forbiddenTraits' | 'labelSelector'>;

/** How many units a placement may have: each is one more node to find for every host. */
const unitsMax = 12;

/**
 * Reads a placement; `at` is where it stands in the command.
 * @throws Problem validation-failed | unsupported-filter
 */
export function readAsk(given: Given, at: string): Ask {
  const fault = (pointer: string, code: string, message: string) =>
    problem('validation-failed', { errors: [{ pointer: `${at}${pointer}`, code, message }] });
  const kinds = given.resources.flatMap((each) => ('kind' in each ? [each] : []));
  const amounts = given.resources.flatMap((each) => ('class' in each ? [each] : []));
  if (given.resources.length + given.groups.length === 0)
    throw fault('/resources', 'required', 'name what is to be placed');
  if (kinds.length > 1 || (kinds.length === 1 && amounts.length + given.groups.length > 0))
    throw fault('/resources', 'contradiction', 'are amounts, or whole nodes of one kind');
  refuseTwice(amounts, (pointer) => fault(`/resources${pointer}`, 'duplicate', 'is named twice'));
  for (const [index, group] of given.groups.entries()) {
    refuseTwice(group.resources, (pointer) =>
      fault(`/groups/${index}/resources${pointer}`, 'duplicate', 'is named twice'),
    );
    if (given.groups.findIndex(({ name }) => name === group.name) < index)
      throw fault(`/groups/${index}/name`, 'duplicate', 'is named twice');
  }
  if (given.groups.length > 1 && given.groupPolicy === undefined)
    throw fault('/groupPolicy', 'required', 'say whether groups may share a node');
  const like = (each: Like, pointer: string): Likeness => {
    const required = each.requiredTraits.map((trait) => (typeof trait === 'string' ? [trait] : trait.anyOf));
    const never = required.findIndex((anyOf) => anyOf.every((trait) => each.forbiddenTraits.includes(trait)));
    if (never >= 0) throw fault(`${pointer}/requiredTraits/${never}`, 'contradiction', 'is forbidden too');
    const labels = each.labelSelector === undefined ? [] : readSelector(each.labelSelector);
    return { required, forbidden: each.forbiddenTraits, labels };
  };
  const units: Unit[] = [
    ...amounts.map((need) => ({ name: undefined, needs: [need], required: [], forbidden: [], labels: [] })),
    ...given.groups.map((group, index) => ({
      name: group.name,
      needs: group.resources,
      ...like(group, `/groups/${index}`),
    })),
  ];
  if (units.length > unitsMax)
    throw fault('/resources', 'max_length', `and groups must be at most ${unitsMax} together`);
  return {
    ...like(given, ''),
    kind: kinds[0]?.kind,
    count: kinds[0]?.count ?? 1,
    units,
    isolate: given.groupPolicy === 'isolate',
    sameSubtree: given.sameSubtree.map((names, index) =>
      names.map((name, place) => {
        const unit = units.findIndex((each) => each.name === name);
        if (unit < 0) throw fault(`/sameSubtree/${index}/${place}`, 'unknown', 'is no group of this placement');
        return unit;
      }),
    ),
    pools: given.pools.map(({ is, poolIds }) => ({ is, poolIds: poolIds.map((id) => decodeId('pol', id)) })),
    location: given.location === undefined ? undefined : decodeId('nod', given.location),
    spread:
      given.spread === undefined
        ? undefined
        : { level: given.spread.level, max: given.spread.max, with: idsOf(given.spread.with) },
    near: besideOf(given.near),
    avoid: besideOf(given.avoid),
    strategy: given.strategy,
  };
}

const idsOf = (ids: NonNullable<Placement['near']>['allocationIds'] | undefined): readonly string[] =>
  (ids ?? []).map((id) => decodeId('alc', id));

const besideOf = (given: Placement['near']): Beside | undefined =>
  given === undefined ? undefined : { allocationIds: idsOf(given.allocationIds), level: given.level };

function refuseTwice(needs: readonly Need[], refused: (pointer: string) => Error): void {
  const twice = needs.findIndex((need, at) => needs.findIndex((other) => other.class === need.class) < at);
  if (twice >= 0) throw refused(`/${twice}/class`);
}
