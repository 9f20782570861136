import { createHash } from 'node:crypto';
import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import type { Account } from './guard.js';

/** PostgreSQL refuses to run as root: it is handed to `postgres` or `nobody`, whichever this machine has. */
export function serverAccount(): Account | undefined {
  if (userInfo().uid !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = accounts.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error('PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody.');
}

/** Whether users other than the owner may pass through every folder on the way: a checkout under a 0700 home fails. */
export function othersCanEnter(folder: string): boolean {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

/**
 * The wanted data folder, or one under /var/tmp where the server's account could not reach it: a link in the wanted place leads there.
 * Whoever has removed the link thinks that the data is gone, and would miss the keys that were beside it.
 */
export function reachableFolder(wanted: string, account: Account | undefined): string {
  const resolved = path.resolve(wanted);
  if (!account || othersCanEnter(path.dirname(resolved))) return resolved;
  const name = `sentral-${createHash('sha256').update(resolved).digest('hex').slice(0, 12)}`;
  const parent = path.join('/var/tmp', name);
  const folder = path.join(parent, path.basename(resolved));
  const linked = lstatSync(resolved, { throwIfNoEntry: false }) !== undefined;
  if (existsSync(folder) && !linked)
    throw new Error(
      `${resolved} is gone, and its data is still in ${folder}, where the server of root can reach it. To begin afresh: rm -rf ${parent}`,
    );
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  ownedByUs(parent);
  if (!linked) {
    mkdirSync(path.dirname(resolved), { recursive: true });
    symlinkSync(folder, resolved);
  }
  return folder;
}

/** Makes the folder if it is missing and gives it to the server's account. */
export function makeServerFolder(folder: string, account: Account | undefined): void {
  mkdirSync(path.dirname(folder), { recursive: true });
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  if (account) chownSync(folder, account.uid, account.gid);
}

/** Refuses a folder under a shared place that somebody else has put there first. */
export function ownedByUs(folder: string): void {
  const owner = statSync(folder).uid;
  if (owner !== userInfo().uid) throw new Error(`${folder} belongs to user ${owner}, not to us: remove it.`);
}
