import { readConfig } from './config.js';
import { start } from './start.js';
import { stopOnSignal } from './signals.js';

// The deployment. Production is the default: no issuer, no token and no key of its own.
try {
  const running = await start(readConfig(process.env));
  const also = (what: string, url: string | undefined) => (url === undefined ? '' : `, ${what} on ${url}`);
  console.log(
    `sentral listens on ${running.url}${also('internal wire', running.internalUrl)}${also('metrics', running.opsUrl)}`,
  );
  stopOnSignal(() => running.stop());
} catch (error) {
  console.error(`sentral did not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
