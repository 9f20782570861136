import type { Scope } from '@sentral/contracts/tenancy/scope';

type State = Scope['state'];

const badness: Readonly<Record<State, number>> = { active: 0, suspended: 1, deleting: 2, deleted: 3 };

/** What counts is the worst of a scope and its ancestors. */
export function worstState(states: readonly State[]): State {
  return states.reduce<State>((worst, state) => (badness[state] > badness[worst] ? state : worst), 'active');
}
