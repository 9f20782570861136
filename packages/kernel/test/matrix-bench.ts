import { spawn } from 'node:child_process';
import path from 'node:path';
import { openDatabase, type Database, type DatabaseOptions } from '../src/database.js';

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the bare driver did: its line of JSON, or how its process ended without one. */
export interface Bare {
  readonly outcome: Record<string, unknown> | undefined;
  readonly exitCode: number | null;
  readonly stderr: string;
}

/** Runs one row on the bare driver, in a process that may crash or hang without harm to the others. */
export function bare(row: string, ...urls: string[]): Promise<Bare> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'matrix-bare.mjs'), row, ...urls]);
    const late = setTimeout(() => child.kill('SIGKILL'), 40_000);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('close', (exitCode) => {
      clearTimeout(late);
      const line = stdout.trim().split('\n').at(-1);
      resolve({ outcome: line ? (JSON.parse(line) as Record<string, unknown>) : undefined, exitCode, stderr });
    });
  });
}

/** A database of its own with the table that the rows write to. */
export async function matrixDatabase(adminUrl: string, name: string): Promise<{ url: string; drop(): Promise<void> }> {
  const admin = openDatabase({ url: adminUrl, applicationName: 'matrix', poolSize: 1 });
  await admin.unsafe(`create database ${name}`);
  const at = new URL(adminUrl);
  at.pathname = `/${name}`;
  const db = openDatabase({ url: at.href, applicationName: 'matrix', poolSize: 1 });
  await db.unsafe('create table matrix (id int primary key)');
  await db.close();
  const drop = async (): Promise<void> => {
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.close();
  };
  return { url: at.href, drop };
}

/** Ids that are in the table, and empties it. */
export async function takeIds(url: string): Promise<number[]> {
  const db = ours(url, { poolSize: 1 });
  try {
    return (await db.sql<{ id: number }>`delete from matrix returning id`).map((row) => row.id).sort((a, b) => a - b);
  } finally {
    await db.close();
  }
}

/** Our database in front of the rows. */
export function ours(url: string, options: Partial<DatabaseOptions> = {}): Database {
  return openDatabase({ url, applicationName: 'matrix', ...options });
}

/** How a promise ended, and after how long. */
export async function ending(promise: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const from = performance.now();
  const error = await promise.then(() => undefined, (e: unknown) => e ?? 'rejected'); // prettier-ignore
  return { error, ms: performance.now() - from };
}
