import type { ScopeRow } from '@sentral/contracts/contract';
import * as news from '@sentral/kernel/scopes/news';
import type { Deps } from '../deps.js';
import { scopes } from './view.js';

/** Takes in what a caller brings along, before its own work begins: a scope made a moment ago works at once. */
export const bringForward = (deps: Deps, rows: readonly ScopeRow[]): Promise<void> =>
  news.bringForward(deps.db.app, scopes, rows);
