import {
  differenceCharsMax,
  differencesMax,
  sightingsApartSeconds,
  type Difference,
  type Finding,
} from '@sentral/contracts/inventory/finding';
import { sameJson } from '@sentral/contracts/merge-patch';

/** What a sighting says of a thing: it is as intended, it differs, or nothing can be concluded from it. */
export type Verdict =
  | { readonly is: 'as-intended' }
  | { readonly is: 'unclear' }
  | { readonly is: 'different'; readonly kind: Finding['kind']; readonly differences: readonly Difference[] };

/** A sighting as far as its finding goes. */
export interface Sighted {
  /** Whose the thing is. */
  readonly tenantId: string | null;
  readonly generation: number;
  readonly observedAt: Date;
  readonly verdict: Verdict;
  /** Whether it has looked at this field: what was not looked at is not known to be gone. */
  readonly looksAt: (field: string) => boolean;
}

/** A finding that has not been resolved, as far as a sighting may move it. */
export interface Standing {
  readonly tenantId: string | null;
  readonly kind: Finding['kind'];
  readonly state: Exclude<Finding['state'], 'resolved'>;
  readonly generation: number;
  readonly differences: readonly Difference[];
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
}

/** How a finding is after a sighting. */
export interface Found {
  readonly kind: Finding['kind'];
  readonly state: Standing['state'];
  readonly generation: number;
  readonly differences: readonly Difference[];
  readonly firstSeenAt: Date;
}

export type Step =
  | { readonly do: 'nothing' }
  | { readonly do: 'resolve'; readonly because: 'agreed' | 'handed_over' }
  /** Seen as it stands: it is counted, and nothing else moves. */
  | { readonly do: 'count' }
  /** `restart`: the count begins again with this sighting. */
  | { readonly do: 'change'; readonly to: Found; readonly restart: boolean };

/** What a sighting makes of the finding of its thing; none is there where `standing` is undefined. */
export function stepOf(standing: Standing | undefined, seen: Sighted): Step {
  const { verdict, generation, observedAt } = seen;
  if (verdict.is === 'unclear' || (standing !== undefined && observedAt <= standing.lastSeenAt))
    return { do: 'nothing' };
  // What is seen of another's is not for whom it was found for.
  if (standing !== undefined && standing.tenantId !== seen.tenantId) return { do: 'resolve', because: 'handed_over' };
  const differs = standing === undefined ? verdict : withUnseen(standing, verdict, seen.looksAt);
  if (differs.is !== 'different')
    return standing === undefined ? { do: 'nothing' } : { do: 'resolve', because: 'agreed' };
  const now = { kind: differs.kind, generation, differences: differs.differences };
  const afresh: Step = { do: 'change', to: { ...now, state: 'suspect', firstSeenAt: observedAt }, restart: true };
  if (standing === undefined) return afresh;

  const same = standing.kind === now.kind && sameJson(standing.differences, now.differences);
  const sameGeneration = standing.generation === generation;
  const keeping = (state: Standing['state']): Step => ({
    do: 'change',
    to: { ...now, state, firstSeenAt: sameGeneration ? standing.firstSeenAt : observedAt },
    restart: !sameGeneration,
  });
  switch (standing.state) {
    // What was accepted is this difference, whichever generation shows it.
    case 'accepted':
      return same ? { do: 'count' } : afresh;
    case 'suspect': {
      if (!sameGeneration) return afresh;
      const apart = observedAt.getTime() - standing.firstSeenAt.getTime() >= sightingsApartSeconds * 1_000;
      return apart ? keeping('open') : same ? { do: 'count' } : keeping('suspect');
    }
    case 'open':
      return same && sameGeneration ? { do: 'count' } : keeping('open');
    // Something was done to it, and it differs still.
    case 'repairing':
      return sameGeneration ? { do: 'count' } : keeping('open');
  }
}

/** Of a drift, what this sighting has not looked at differs as before. */
function withUnseen(standing: Standing, verdict: Verdict, looksAt: Sighted['looksAt']): Verdict {
  if (standing.kind !== 'drift' || (verdict.is === 'different' && verdict.kind !== 'drift')) return verdict;
  const unseen = standing.differences.filter(({ field }) => !looksAt(field));
  const seen = verdict.is === 'different' ? verdict.differences : [];
  if (unseen.length === 0) return verdict;
  return { is: 'different', kind: 'drift', differences: bounded([...seen, ...unseen]) };
}

/** Differences as a finding keeps them: in the order of fields, so many, each side so long. */
export function bounded(differences: readonly Difference[]): readonly Difference[] {
  const short = (value: unknown) => value !== undefined && JSON.stringify(value).length <= differenceCharsMax;
  return differences
    .toSorted((a, b) => (a.field < b.field ? -1 : 1))
    .slice(0, differencesMax)
    .map(({ field, expected, observed }) => ({
      field,
      ...(short(expected) ? { expected } : {}),
      ...(short(observed) ? { observed } : {}),
    }));
}
