import { readConfig } from './config.js';
import { start } from './start.js';
import { stopOnSignal } from './signals.js';

// The deployment. Production is the default: no issuer, no token and no key of its own.
try {
  const running = await start(readConfig(process.env));
  console.log(
    `sentral listens on ${running.url}${running.internalUrl === undefined ? '' : `, internal wire on ${running.internalUrl}`}`,
  );
  stopOnSignal(() => running.stop());
} catch (error) {
  console.error(`sentral did not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
