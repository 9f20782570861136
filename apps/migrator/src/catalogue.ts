import type { Database, Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';

/**
 * What a migrated schema holds, as text that is the same on every server from PostgreSQL 15 on: one entry a line, a function's body indented below it.
 * Partitions are left out: they come and go with the days, and take all that matters from their parent.
 */
export function dumpCatalogue(db: Database, context: string): Promise<string> {
  return inTransaction(db, (tx) => catalogueOf(tx, context));
}

/** The same, as this transaction sees it. */
export async function catalogueOf(tx: Tx, context: string): Promise<string> {
  // Names outside pg_catalog are then printed with their schema, whoever asks.
  await tx.unsafe('set local search_path = pg_catalog');
  const entries: string[] = [];
  for (const query of QUERIES) entries.push(...(await lines(tx, query, context)));
  return `${entries.sort(byCodeUnit).join('\n')}\n`;
}

/** Entries of one text that the other lacks; order and place do not count. */
export function compareCatalogues(golden: string, live: string): { missing: string[]; unexpected: string[] } {
  const [want, have] = [entriesOf(golden), entriesOf(live)];
  return { missing: [...want].filter((e) => !have.has(e)), unexpected: [...have].filter((e) => !want.has(e)) };
}

function entriesOf(text: string): Set<string> {
  return new Set(
    text
      .replaceAll('\r\n', '\n')
      .trimEnd()
      .split(/\n(?! {4})/),
  );
}

async function lines(tx: Tx, query: string, context: string): Promise<string[]> {
  const rows = await tx.unsafe(query, [context]);
  return rows.map((row) => flattened(String(row['line'])).trimEnd().replaceAll(/\s*\n/g, '\n    '));
}

/** `((a AND b) AND c)` is `(a AND b AND c)` once it went through a dump, by the same parser: both are written the second way. */
export function flattened(line: string): string {
  if (!line.startsWith('table ')) return line;
  let text = line;
  for (let at = text.indexOf('(('); at >= 0; at = text.indexOf('((', at)) {
    const end = closing(text, at + 1);
    const inside = text.slice(at + 2, end);
    const word = end < 0 ? undefined : /^ (AND|OR) /.exec(text.slice(end + 1))?.[1];
    if (word !== undefined && joints(inside) === word) text = text.slice(0, at + 1) + inside + text.slice(end + 1);
    else at += 1;
  }
  return text;
}

function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

/** The one word that joins the parts of an expression, outside of all parentheses. */
function joints(text: string): string | undefined {
  let outside = '';
  let depth = 0;
  for (const each of text) {
    if (each === '(') depth += 1;
    else if (each === ')') depth -= 1;
    else if (depth === 0) outside += each;
  }
  const words = new Set(outside.match(/ (?:AND|OR) /g));
  return words.size === 1 ? [...words][0]?.trim() : undefined;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const SCHEMA = `with here as (select oid, nspname, nspowner, nspacl from pg_namespace where nspname = $1),
  relation as (select c.*, here.nspname from pg_class c join here on here.oid = c.relnamespace where not c.relispartition)`;
const GRANTEE = `case x.grantee when 0 then 'public' else x.grantee::regrole::text end`;

// Owners' own privileges are left out: PostgreSQL 17 added one (MAINTAIN).
const grants = (kind: string, name: string, from: string, acl: string, owner: string) =>
  `${SCHEMA} select format('${kind} %s grant %s to %s%s', ${name}, string_agg(lower(x.privilege_type), ', ' order by x.privilege_type), ${GRANTEE},
      case when x.is_grantable then ' with grant option' else '' end) as line
    from ${from} cross join lateral aclexplode(${acl}) x where x.grantee <> ${owner} group by ${name}, x.grantee, x.is_grantable`;

const QUERIES: readonly string[] = [
  `${SCHEMA} select format('schema %s owner %s', nspname, nspowner::regrole) as line from here`,
  grants('schema', 'nspname', 'here', 'nspacl', 'nspowner'),
  `${SCHEMA} select format('%s %s.%s owner %s%s%s%s%s',
      case relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'relation ' || relkind::text end,
      nspname, relname, relowner::regrole, case when relkind = 'p' then ' partition by ' || pg_get_partkeydef(oid) else '' end,
      case when relrowsecurity then ' row security' else '' end, case when relforcerowsecurity then ' forced' else '' end,
      case when reloptions is not null then ' with ' || array_to_string(reloptions, ', ') else '' end) as line
    from relation where relkind in ('r', 'p', 'v', 'm', 'S', 'f')`,
  `${SCHEMA} select format('view %s.%s as %s', nspname, relname, pg_get_viewdef(oid)) as line from relation where relkind in ('v', 'm')`,
  `${SCHEMA} select format('table %s.%s column %s %s%s%s%s%s', r.nspname, r.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation::text else '' end,
      case when a.attnotnull then ' not null' else '' end,
      case a.attidentity when 'a' then ' identity always' when 'd' then ' identity by default' else '' end,
      case when d.oid is null then '' when a.attgenerated <> '' then ' generated ' || a.attgenerated::text || ' ' || pg_get_expr(d.adbin, d.adrelid) else ' default ' || pg_get_expr(d.adbin, d.adrelid) end) as line
    from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum where r.relkind in ('r', 'p', 'f')`,
  // PostgreSQL 18 lists NOT NULL here too; the column's line has it.
  `${SCHEMA} select format('table %s.%s constraint %s %s', r.nspname, r.relname, k.conname, pg_get_constraintdef(k.oid)) as line
    from relation r join pg_constraint k on k.conrelid = r.oid where k.contype not in ('n', 't')`,
  `${SCHEMA} select format('table %s.%s index %s%s', r.nspname, r.relname, pg_get_indexdef(i.indexrelid), case when i.indisvalid then '' else ' INVALID' end) as line
    from relation r join pg_index i on i.indrelid = r.oid`,
  `${SCHEMA} select format('table %s.%s trigger %s%s', r.nspname, r.relname, pg_get_triggerdef(g.oid), case g.tgenabled when 'O' then '' else ' enabled ' || g.tgenabled::text end) as line
    from relation r join pg_trigger g on g.tgrelid = r.oid where not g.tgisinternal`,
  `${SCHEMA} select format('table %s.%s policy %s %s for %s to %s%s%s', r.nspname, r.relname, p.polname, case when p.polpermissive then 'permissive' else 'restrictive' end,
      case p.polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
      (select string_agg(case o when 0 then 'public' else o::regrole::text end, ', ' order by o::regrole::text) from unnest(p.polroles) o),
      coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), ''), coalesce(' with check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')) as line
    from relation r join pg_policy p on p.polrelid = r.oid`,
  grants('table', `nspname || '.' || relname`, `(select * from relation where relkind <> 'i') r`, 'relacl', 'relowner'),
  grants(
    'table',
    `r.nspname || '.' || r.relname || ' column ' || a.attname`,
    `relation r join pg_attribute a on a.attrelid = r.oid`,
    'a.attacl',
    'r.relowner',
  ),
  `${SCHEMA} select format('function %s owner %s as %s', p.oid::regprocedure, p.proowner::regrole, pg_get_functiondef(p.oid)) as line
    from pg_proc p join here on here.oid = p.pronamespace where p.prokind in ('f', 'p')`,
  grants(
    'function',
    'p.oid::regprocedure',
    'pg_proc p join here on here.oid = p.pronamespace',
    `coalesce(p.proacl, acldefault('f', p.proowner))`,
    'p.proowner',
  ),
  `${SCHEMA} select format('type %s owner %s%s', format_type(t.oid, null), t.typowner::regrole,
      (select ' enum ' || string_agg(e.enumlabel, ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)) as line
    from pg_type t join here on here.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
    where t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c')`,
  `${SCHEMA} select format('default %s of %s grant %s to %s', case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' else d.defaclobjtype::text end,
      d.defaclrole::regrole, string_agg(lower(x.privilege_type), ', ' order by x.privilege_type), ${GRANTEE}) as line
    from pg_default_acl d join here on here.oid = d.defaclnamespace cross join lateral aclexplode(d.defaclacl) x group by d.oid, d.defaclobjtype, d.defaclrole, x.grantee`,
  `select format('role %s%s%s%s%s', r.rolname, case when r.rolcanlogin then ' login' else ' nologin' end, case when r.rolsuper then ' superuser' else '' end,
      case when r.rolbypassrls then ' bypassrls' else '' end, case when r.rolcreaterole then ' createrole' else '' end) as line
    from pg_roles r where r.rolname ~ ('^' || $1::text || '_(owner|app|read|platform|retention)$')`,
  `select format('role %s set %s', s.setrole::regrole, unnest(s.setconfig)) as line from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase and d.datname = current_database()
    where s.setrole <> 0 and s.setrole::regrole::text ~ ('^' || $1::text || '_(owner|app|read|platform|retention)$')`,
  `select format('role %s member of %s', m.member::regrole, m.roleid::regrole) as line from pg_auth_members m where m.member::regrole::text ~ ('^' || $1::text || '_(owner|app|read|platform|retention)$')`,
];
