/** All that this process writes to its streams from here on, also what is shown to nobody. */
export function listen(): { said(): string; stop(): void } {
  const chunks: string[] = [];
  const streams = [process.stdout, process.stderr] as const;
  const writes = streams.map((stream) => {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      chunks.push(String(chunk));
      return write(chunk, ...rest);
    };
    return write;
  });
  return {
    said: () => chunks.join(''),
    stop: () => streams.forEach((stream, at) => (stream.write = writes[at] as typeof stream.write)),
  };
}
