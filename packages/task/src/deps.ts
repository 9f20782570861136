import type { Database } from '@sentral/kernel/database';

export interface Deps {
  /** One pool per role: `task_app` writes, `task_read` is held to one tenant by its policies, `task_platform` reads across. */
  readonly db: { readonly app: Database; readonly read: Database; readonly platform: Database };
}
