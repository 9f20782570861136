import type { Hop } from './sql.js';

/**
 * Where a search stands: a node, and the positions of the trunks that the way went into and has not come out of. What goes into
 * a rear port of 48 at position 7 leaves the far panel at position 7 and nowhere else.
 */
export interface Place {
  readonly id: string;
  readonly trunk: readonly number[];
}

export const placeKey = (place: Place): string => `${place.id} ${place.trunk.join('.')}`;

/** Where a hop leads from a place, or undefined when the trunk's position does not allow it. */
export function afterHop(place: Place, hop: Hop): Place | undefined {
  if (hop.by !== 'backedBy' || (hop.positions ?? 1) <= 1) return { id: hop.id, trunk: place.trunk };
  const position = hop.position ?? 1;
  if (hop.kind === 'rear-port') return { id: hop.id, trunk: [...place.trunk, position] };
  // Out of a trunk: by the position that it was entered at; a way that begins at the rear port may leave anywhere.
  const entered = place.trunk.at(-1);
  if (entered !== undefined && entered !== position) return undefined;
  return { id: hop.id, trunk: place.trunk.slice(0, -1) };
}
