import type { Database } from '@sentral/kernel/database';
import type { Telemetry } from '@sentral/kernel/telemetry';
import type { Meter } from './figures/meter.js';
import type { Pulse } from './run/pulse.js';

/** What this context needs of the process it runs in. */
export interface Deps {
  /** One pool per role: `task_app` writes, `task_read` is held to one tenant by its policies, `task_platform` reads across. */
  readonly db: { readonly app: Database; readonly read: Database; readonly platform: Database };
  /** Mints ids; no decision is made on it. */
  readonly newId: () => string;
  readonly telemetry: Telemetry;
  /** Verbs beat it after their commit, and what runs by itself looks at once. */
  readonly pulse: Pulse;
  /** Told of what decisions took; nobody measures without it. */
  readonly meter?: Meter;
}
