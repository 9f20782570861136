/** Waits for what other parts have to hear of first, six seconds at most. */
export async function eventually<T>(check: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await check();
    } catch (error) {
      if (tries > 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }
}
