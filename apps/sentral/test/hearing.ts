import { format } from 'node:util';

const levels = ['debug', 'log', 'info', 'warn', 'error'] as const;

/** All that this process writes to its streams and its console from here on; the console of a test has streams of its own. */
export function listen(): { said(): string; stop(): void } {
  const chunks: string[] = [];
  const undo: (() => void)[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      chunks.push(String(chunk));
      return write(chunk, ...rest);
    };
    undo.push(() => (stream.write = write));
  }
  for (const level of levels) {
    const write = console[level].bind(console);
    console[level] = (...words: unknown[]) => {
      chunks.push(`${format(...words)}\n`);
      write(...words);
    };
    undo.push(() => (console[level] = write));
  }
  return { said: () => chunks.join(''), stop: () => undo.forEach((each) => each()) };
}
