// Prevents: a statement, or a transaction, for each of many who ask for the same at once.

/** How many may share: what is served in one go is held, and lost to a fault, in one go. */
const groupMax = 64;

export interface Serving<T, R> {
  /** An answer each, in the order given; it is done for all of them or, when it rejects, for none. */
  readonly together: (asked: readonly T[]) => Promise<readonly R[]>;
  readonly alone: (asked: T) => Promise<R>;
  /** Hears why a group is served one by one. */
  readonly broken?: (error: unknown, asked: number) => void;
}

/**
 * Whoever asks in one turn of the event loop, or while others are being served, shares the next round, and nobody waits for more to
 * come. What breaks a group harms nobody else in it: each is served alone then.
 */
export function sharing<T, R>(serving: Serving<T, R>): (asked: T) => Promise<R> {
  const waiting: { readonly asked: T; readonly resolve: (answer: Promise<R>) => void }[] = [];
  let busy = false;

  async function serve(): Promise<void> {
    busy = true;
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const group = waiting.splice(0, groupMax);
      const answers = await answersTo(
        serving,
        group.map(({ asked }) => asked),
      );
      for (const [at, { resolve }] of group.entries()) resolve(answers[at] as Promise<R>);
    }
    busy = false;
  }

  return (asked) =>
    new Promise((resolve) => {
      waiting.push({ asked, resolve });
      if (!busy) void serve();
    });
}

async function answersTo<T, R>(
  { together, alone, broken }: Serving<T, R>,
  group: readonly T[],
): Promise<readonly Promise<R>[]> {
  if (group.length > 1) {
    try {
      return (await together(group)).map((answer) => Promise.resolve(answer));
    } catch (error) {
      broken?.(error, group.length);
    }
  }
  const answers = group.map((asked) => alone(asked));
  // Once all are done, whatever became of them.
  await Promise.allSettled(answers);
  return answers;
}
