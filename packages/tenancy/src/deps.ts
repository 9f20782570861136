import type { Implements } from '@sentral/contracts/contract';
import type { scopeUserVerbs } from '@sentral/contracts/shared-verbs';
import type { Database } from '@sentral/kernel/database';
import type { Seal } from '@sentral/contracts/audit-seal';
import type { Telemetry } from '@sentral/kernel/telemetry';

/** As much of another context as tenancy asks: what lives in a scope, and whether a newer scope has arrived there. */
export type ScopeUser = Implements<{ context: string; nouns: typeof scopeUserVerbs }>;

/** What this context needs of the process it runs in. */
export interface Deps {
  /** One pool per role: `tenancy_app` writes, `tenancy_read` is held to one tenant by its policies, `tenancy_platform` reads across. */
  readonly db: { readonly app: Database; readonly read: Database; readonly platform: Database };
  /** Stamps logs and mints ids; no decision is made on it. */
  readonly now: () => Date;
  readonly newId: () => string;
  readonly telemetry: Telemetry;
  /** Seals who a person is, for its way to audit. */
  readonly seal: Seal;
  /** By name, every context in which something may live in a scope: a delete is decided when each of them has counted. Never asked inside a transaction. */
  readonly scopeUsers: Readonly<Record<string, ScopeUser>>;
}
