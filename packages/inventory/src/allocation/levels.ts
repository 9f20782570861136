/** From an instant until another, in microseconds since 1970 as the database has them; Infinity is for good. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

/** How much more is taken from an instant on. */
export interface Step {
  readonly at: number;
  readonly delta: number;
}

/** What a transaction takes (positive) or gives back over a span. */
export interface Change extends Span {
  readonly delta: number;
}

interface Level {
  /** As it was before the transaction, and as it is with its changes. */
  readonly before: number;
  readonly after: number;
}

/** The levels of a counter over a span, one for each instant at which they change; the first is that of its beginning. */
function levels(steps: readonly Step[], changes: readonly Change[], { from, until }: Span): readonly Level[] {
  const events = [
    ...steps.map(({ at, delta }) => ({ at, before: delta, change: 0 })),
    ...changes.flatMap(({ from: at, until: end, delta }) => [
      { at, before: 0, change: delta },
      { at: end, before: 0, change: -delta },
    ]),
  ].toSorted((a, b) => a.at - b.at);
  const found: Level[] = [];
  let before = 0;
  let change = 0;
  let next = 0;
  for (let at = from; at < until; at = events[next]?.at ?? Infinity) {
    for (let event = events[next]; event !== undefined && event.at <= at; event = events[(next += 1)]) {
      before += event.before;
      change += event.change;
    }
    found.push({ before, after: before + change });
  }
  return found;
}

/**
 * How much is free all through a span. Where more was taken than the cap, since it was shrunk, there is as much as the
 * transaction itself gives back.
 */
export function freeOver(cap: number, of: { steps: readonly Step[]; changes: readonly Change[] }, span: Span): number {
  return levels(of.steps, of.changes, span).reduce(
    (least, { before, after }) => Math.min(least, Math.max(cap, before) - after),
    Infinity,
  );
}

/** The most that is taken at any instant of a span. */
export const peakOver = (of: { steps: readonly Step[]; changes: readonly Change[] }, span: Span): number =>
  levels(of.steps, of.changes, span).reduce((most, { after }) => Math.max(most, after), 0);

/** What is wanted at once: of each counter its amount, counters of which nothing may be taken, and spans that are held by others. */
export interface Wish {
  readonly amounts: readonly { readonly cap: number; readonly amount: number; readonly steps: readonly Step[] }[];
  readonly idle: readonly (readonly Step[])[];
  readonly busy: readonly Span[];
}

/** So many starts are tried at most: so many things would have to end first. */
const startsMax = 1_000;

/** The first instant at which all of it is free for so long: the one that is asked for, or one at which something ends. */
export function earliest({ amounts, idle, busy }: Wish, from: number, length: number): number | undefined {
  const ends = [...amounts.map(({ steps }) => steps), ...idle]
    .flat()
    .filter(({ delta }) => delta < 0)
    .map(({ at }) => at);
  const starts = [from, ...ends, ...busy.map(({ until }) => until)].filter((at) => at >= from && at < Infinity);
  return [...new Set(starts)]
    .toSorted((a, b) => a - b)
    .slice(0, startsMax)
    .find((at) => {
      const span = { from: at, until: at + length };
      return (
        amounts.every(({ cap, amount, steps }) => peakOver({ steps, changes: [] }, span) + amount <= cap) &&
        idle.every((steps) => peakOver({ steps, changes: [] }, span) === 0) &&
        busy.every((held) => held.until <= span.from || held.from >= span.until)
      );
    });
}
