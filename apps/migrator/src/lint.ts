import type { Migration } from '@sentral/kernel/migration-files';

export interface Finding {
  readonly tag: string;
  readonly statement: string;
  readonly why: string;
}

/** `-- lock: <reason>` above a statement takes its reason into the review, and the statement out of the rules. */
const EXCUSED = /^\s*--\s*lock:\s*\S+/m;
const ALONE =
  /^(create (unique )?index concurrently if not exists "?\w+"? on (only )?"?\w+"?\.|drop index concurrently if exists "?\w+"?\.|reindex (index|table) concurrently |alter table "?\w+"?\."?\w+"? validate constraint )/;

interface Rule {
  readonly when: RegExp;
  readonly unless?: RegExp;
  readonly why: string;
}

/** On a table with rows and traffic. A table made in the same file has neither. */
const RULES: readonly Rule[] = [
  {
    when: /^create (unique )?index\b/,
    unless: /^create (unique )?index concurrently\b/,
    why: 'builds while writers wait: create index concurrently, in a file that starts with -- no transaction',
  },
  {
    when: /^drop index\b/,
    unless: /^drop index concurrently\b/,
    why: 'takes ACCESS EXCLUSIVE behind every reader: drop index concurrently, in a file that starts with -- no transaction',
  },
  { when: /^reindex\b/, unless: /\bconcurrently\b/, why: 'holds its lock for the whole build: reindex … concurrently' },
  {
    when: /^alter table\b.*\badd (constraint "?\w+"? )?(check|foreign key)\b/,
    unless: /\bnot valid\b/,
    why: 'reads the whole table under its lock: add it NOT VALID, and VALIDATE CONSTRAINT in a later migration',
  },
  {
    when: /^alter table\b.*\badd (constraint "?\w+"? )?(unique|primary key)\b/,
    unless: /\busing index\b/,
    why: 'builds an index under ACCESS EXCLUSIVE: create unique index concurrently, then add constraint … using index',
  },
  {
    when: /^alter table\b.*\badd (constraint "?\w+"? )?exclude\b/,
    why: 'builds its index under ACCESS EXCLUSIVE and knows no other way: a new table and a move, or a reason',
  },
  {
    when: /^alter table\b.*\balter( column)? "?\w+"? (set data )?type\b/,
    why: 'may rewrite the table under ACCESS EXCLUSIVE: a new column, filled in batches',
  },
  {
    when: /^alter table\b.*\bset not null\b/,
    why: 'reads the whole table under ACCESS EXCLUSIVE: a CHECK (… is not null) NOT VALID, validated in a later migration',
  },
  {
    when: /^alter table\b.*\badd( column)?( if not exists)? "?\w+"? .*\b(generated|serial|bigserial|gen_random_uuid|uuidv7|random|clock_timestamp|nextval)\b/,
    why: 'gives each row a value of its own, so it rewrites the table under ACCESS EXCLUSIVE: add it null, fill it in batches',
  },
  {
    when: /^alter table\b.*\b(set (logged|unlogged|tablespace|access method)|detach partition)\b/,
    unless: /\bconcurrently\b/,
    why: 'rewrites or waits under ACCESS EXCLUSIVE',
  },
  { when: /^(vacuum full|cluster|lock table|truncate)\b/, why: 'takes ACCESS EXCLUSIVE for as long as it runs' },
  {
    when: /^refresh materialized view\b/,
    unless: /\bconcurrently\b/,
    why: 'takes ACCESS EXCLUSIVE for as long as it runs: refresh … concurrently',
  },
  {
    when: /^alter table\b.*\b(rename|drop column)\b|^drop table\b/,
    why: 'the previous release still uses it: expand first, take away one release later, with -- lock: and the release',
  },
];

/** What a migration may not do to a database that is being used; the first `opening` of a context build it while it is empty. */
export function lintMigrations(migrations: readonly Migration[], opening = 1): readonly Finding[] {
  return migrations.flatMap((migration) => {
    if (!migration.transactional) return lintAlone(migration);
    return migration.number < opening ? [] : lintOne(migration);
  });
}

function lintOne(migration: Migration): Finding[] {
  const texts = migration.statements.map(plain);
  const made = texts.flatMap((text) => /^create table (?:if not exists )?([\w".]+)/.exec(text)?.[1] ?? []);
  return migration.statements.flatMap((statement, index) => {
    const text = texts[index] ?? '';
    const table =
      /^(?:alter table (?:if exists )?(?:only )?|create (?:unique )?index .*?\bon (?:only )?)([\w".]+)/.exec(text)?.[1];
    if (EXCUSED.test(statement) || (table !== undefined && made.includes(table))) return [];
    const rule = RULES.find(({ when, unless }) => when.test(text) && unless?.test(text) !== true);
    return rule ? [{ tag: migration.tag, statement: text.slice(0, 160), why: rule.why }] : [];
  });
}

function lintAlone(migration: Migration): Finding[] {
  return migration.statements
    .filter((statement) => !ALONE.test(plain(statement)))
    .map((statement) => ({
      tag: migration.tag,
      statement: plain(statement).slice(0, 160),
      why: 'is in a file without a transaction, where only what bears a second run and names its schema may stand: index concurrently if [not] exists, validate constraint',
    }));
}

/** One line, lower case, without comments and without string contents. */
function plain(statement: string): string {
  const quiet = statement.replaceAll(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''").replaceAll(/'(?:[^']|'')*'/g, "''");
  return quiet
    .replaceAll(/--.*$/gm, ' ')
    .replaceAll(/\/\*[\s\S]*?\*\//g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}
