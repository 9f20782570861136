import { readOutside, verifyAudit, verifyExportIn } from '@sentral/audit/operate';
import { readFileSync } from 'node:fs';
import type { Out } from './commands.js';
import type { Config } from './config.js';
import { onDatabaseOf } from './migrate.js';

export type AuditWanted = Awaited<ReturnType<typeof readOutside>> | undefined;

const usage =
  'audit-verify takes nothing, or --notes <file> or --export <directory> with the --key that opens them: it stands beside every checkpoint in the log of the process that signed it';

/** What is named beside the key. @throws Error that says what the command takes */
function named(args: readonly string[], name: '--notes' | '--export'): { what: string; key: string } {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at += 2) given.set(args[at] ?? '', args[at + 1] ?? '');
  const [what, key] = [given.get(name), given.get('--key')];
  if (!what || !key || given.size !== 2 || args.length !== 4) throw new Error(usage);
  return { what, key };
}

/** @throws Error that says what the command takes */
export async function readAuditWanted(args: readonly string[]): Promise<AuditWanted> {
  if (args.length === 0) return undefined;
  const { what, key } = named(args, '--notes');
  return readOutside(readFileSync(what, 'utf8'), key);
}

/** Verifies the files of an export by themselves, wherever they are: no database is asked, and no setting read. */
export async function verifyAuditExport(args: readonly string[], { print, complain }: Out): Promise<number> {
  let verified: Awaited<ReturnType<typeof verifyExportIn>>;
  try {
    const { what, key } = named(args, '--export');
    verified = await verifyExportIn(what, key);
  } catch (e) {
    complain(e instanceof Error ? e.message : String(e));
    return 2;
  }
  for (const finding of verified.findings) complain(finding);
  if (verified.findings.length > 0) {
    complain('Next: keep these files as they are, and fetch the export again from where it came.');
    return 3;
  }
  print(`${verified.records} records are whole, unchanged, and stand in the logs that were signed.`);
  return 0;
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
