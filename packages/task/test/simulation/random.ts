/** A sequence that its seed alone decides. */
export interface Random {
  /** From [0, 1). */
  next(): number;
  chance(probability: number): boolean;
  between(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
}

/** mulberry32: 32 bits of state, good enough to shuffle faults, and the same on every machine. */
export function randomOf(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    chance: (probability) => next() < probability,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (from) => from[Math.floor(next() * from.length)]!,
  };
}

/** Things to do at a time of a clock that jumps from one to the next. */
export interface Clock {
  now(): number;
  after(ms: number, act: () => void): void;
  /** Runs until nothing is left; false when there is no end to it. */
  run(eventsMax: number): boolean;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

export function clockFrom(start: number): Clock {
  const heap: Entry[] = [];
  let now = start;
  let order = 0;
  const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

  function push(entry: Entry): void {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  function pop(): Entry | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  return {
    now: () => now,
    after: (ms, act) => push({ at: now + Math.max(0, ms), order: (order += 1), act }),
    run: (eventsMax) => {
      for (let count = 0; count < eventsMax; count += 1) {
        const next = pop();
        if (next === undefined) return true;
        now = next.at;
        next.act();
      }
      return false;
    },
  };
}
