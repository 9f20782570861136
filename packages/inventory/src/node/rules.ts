import type { KindRow } from '../kind/sql.js';

/** Why a node of this kind may not lie where it is asked to, or undefined when it may. */
export function placementFault(kind: KindRow, parent: { kind: string; state: string } | undefined): string | undefined {
  if (parent === undefined) return kind.category === 'component' ? 'component_needs_a_parent' : undefined;
  if (parent.state === 'retired') return 'parent_is_retired';
  if (kind.allowedParents !== null && !kind.allowedParents.includes(parent.kind)) return 'parent_kind_not_allowed';
  return undefined;
}

/** Traits that the kind does not allow; a kind that lists none takes any. */
export function strangeTraits(kind: KindRow, traits: readonly string[]): readonly string[] {
  if (kind.allowedTraits.length === 0) return [];
  return traits.filter((trait) => !kind.allowedTraits.includes(trait));
}
