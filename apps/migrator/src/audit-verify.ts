import { readOutside, verifyAudit } from '@sentral/audit/operate';
import { readFileSync } from 'node:fs';
import type { Out } from './commands.js';
import type { Config } from './config.js';
import { onDatabaseOf } from './migrate.js';

export type AuditWanted = Awaited<ReturnType<typeof readOutside>> | undefined;

const usage =
  'audit-verify takes nothing, or --notes <file> with the --key that opens them: it stands beside every checkpoint in the log of the process that signed it';

/** @throws Error that says what the command takes */
export async function readAuditWanted(args: readonly string[]): Promise<AuditWanted> {
  if (args.length === 0) return undefined;
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at += 2) given.set(args[at] ?? '', args[at + 1] ?? '');
  const [file, key] = [given.get('--notes'), given.get('--key')];
  if (!file || !key || given.size !== 2 || args.length !== 4) throw new Error(usage);
  return readOutside(readFileSync(file, 'utf8'), key);
}

/** Verifies all audit logs of the database and says what is wrong, place by place. */
export async function verifyAuditLogs(config: Config, wanted: AuditWanted, { print, complain }: Out): Promise<number> {
  const { logs, records, notes, findings } = await onDatabaseOf(config, 'audit', (db) => verifyAudit(db, wanted));
  for (const { log, seq, what } of findings) complain(`${log} at ${seq}: ${what}`);
  if (findings.length > 0) {
    complain('Next: keep this database as it is, and find out who could write to it as its owner or superuser.');
    return 3;
  }
  print(
    `${logs} logs with ${records} records agree with their leaves, trees and heads, and with ${notes} notes from outside.`,
  );
  if (notes === 0)
    print(
      'Without --notes this says nothing about somebody who could write everything here: name checkpoints that were kept outside.',
    );
  return 0;
}
