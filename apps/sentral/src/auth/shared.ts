/**
 * Who asks while a question is on its way shares the next one, with all who came meanwhile: every answer is of a moment after its asking, and however
 * many ask, no more than two questions are open.
 */
export function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let open: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    const mine = ask().finally(() => {
      if (open === mine) open = undefined;
    });
    open = mine;
    return mine;
  };
  const following = (): Promise<T> => {
    next = undefined;
    return begin();
  };
  return () => {
    if (open === undefined) return begin();
    return (next ??= open.then(following, following));
  };
}

/** The same for questions about many things: those about one thing are shared. */
export function sharedBy<K, T>(ask: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const asking = new Map<K, { readonly ask: () => Promise<T>; waiting: number }>();
  return async (key) => {
    const known = asking.get(key) ?? { ask: shared(() => ask(key)), waiting: 0 };
    asking.set(key, known);
    known.waiting += 1;
    try {
      return await known.ask();
    } finally {
      known.waiting -= 1;
      if (known.waiting === 0) asking.delete(key);
    }
  };
}
