import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import type { Sink } from './write.js';

/** Files in a directory of their own: each is on the disk before it has its name. */
export function directorySink(directory: string): Sink {
  return {
    async put(name, bytes) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const file = path.join(directory, name);
      const handle = await open(`${file}.part`, 'w', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${file}.part`, file);
    },
    get: async (name) => new Uint8Array(await readFile(path.join(directory, name))),
  };
}
