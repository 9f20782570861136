import { contexts } from '@sentral/lint-plugin/rooms';
import { foreignSchemaIn } from '@sentral/lint-plugin/sql-text';

/** Whatever runs a statement: a database, or a transaction in which something has been planted. */
export interface Catalogue {
  unsafe(text: string, params?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

/** Each context's schema, and the mailbox's, which belongs to none of them. */
export const walled = [...contexts, 'bus'];
const schemas = walled.map((name) => `'${name}'`).join(', ');
const harmless = `'pg_catalog', 'information_schema', 'pg_toast', 'extensions'`;

/** Foreign keys whose two tables lie in different schemas. */
export function crossingForeignKeys(db: Catalogue): Promise<string[]> {
  return said(
    db,
    `select format('%s: %s references %s', c.conname, c.conrelid::regclass, c.confrelid::regclass) as finding
     from pg_constraint c join pg_class a on a.oid = c.conrelid join pg_class b on b.oid = c.confrelid
     where c.contype = 'f' and a.relnamespace <> b.relnamespace`,
  );
}

/**
 * Everything that PostgreSQL itself knows to depend on something in another schema: views, functions by their types,
 * defaults, triggers, policies, inheritance. The extension's schema is the one exception.
 */
export function crossingDependencies(db: Catalogue): Promise<string[]> {
  const of = (catalogue: string, table: string) =>
    `select '${catalogue}'::regclass, o.oid, c.relnamespace from ${catalogue} o join pg_class c on c.oid = o.${table}`;
  const own = (catalogue: string, column: string) =>
    `select '${catalogue}'::regclass, oid, ${column} from ${catalogue}`;
  return said(
    db,
    `with everything (catalogue, oid, namespace) as (
       ${own('pg_class', 'relnamespace')} union all ${own('pg_proc', 'pronamespace')}
       union all ${own('pg_type', 'typnamespace')} union all ${own('pg_constraint', 'connamespace')}
       union all ${own('pg_operator', 'oprnamespace')} union all ${own('pg_opclass', 'opcnamespace')}
       union all ${own('pg_collation', 'collnamespace')} union all ${own('pg_statistic_ext', 'stxnamespace')}
       union all ${own('pg_namespace', 'oid')} union all ${of('pg_rewrite', 'ev_class')}
       union all ${of('pg_trigger', 'tgrelid')} union all ${of('pg_attrdef', 'adrelid')}
       union all ${of('pg_policy', 'polrelid')}
     ), place as materialized (
       select e.catalogue, e.oid, n.nspname as schema from everything e
       join pg_namespace n on n.oid = e.namespace where n.nspname not in (${harmless})
     )
     select distinct format('%s depends on %s', pg_describe_object(d.classid, d.objid, 0), pg_describe_object(d.refclassid, d.refobjid, 0)) as finding
     from pg_depend d
     join place a on a.catalogue = d.classid and a.oid = d.objid
     join place b on b.catalogue = d.refclassid and b.oid = d.refobjid
     where a.schema <> b.schema and (a.schema in (${schemas}) or b.schema in (${schemas}))`,
  );
}

/** Functions whose text names another context's schema, which no dependency shows, or that run as their owner on any path. */
export async function looseFunctions(db: Catalogue): Promise<string[]> {
  const rows = await db.unsafe(
    `select n.nspname as schema, p.proname as name, p.prosrc as text, p.prosecdef as definer,
            coalesce((select substr(c, 13) from unnest(p.proconfig) c where c like 'search\\_path=%'), '') as path
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in (${schemas})`,
  );
  return rows.flatMap((row) => {
    const [schema, name, path] = [String(row['schema']), String(row['name']), String(row['path'])];
    const named = foreignSchemaIn(String(row['text']), schema);
    const allowed = [schema, 'extensions', 'pg_catalog', 'pg_temp'];
    const steps = path
      .split(',')
      .map((step) => step.trim().replaceAll('"', ''))
      .filter((step) => step !== '');
    return [
      ...(named ? [`${schema}.${name} names the schema ${named}`] : []),
      ...(row['definer'] === true && path === '' ? [`${schema}.${name} runs as its owner without a search_path`] : []),
      ...steps
        .filter((step) => !allowed.includes(step))
        .map((step) => `${schema}.${name} has ${step} on its search_path`),
    ];
  });
}

/** Every right that a context's role has in a schema that is not its own, and every power no role of a context may have. */
export function rightsOffTheDiagonal(db: Catalogue): Promise<string[]> {
  return said(
    db,
    `with role as (
       select r.oid, r.rolname as name, r.rolcanlogin as login, s.schema, r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication as mighty
       from pg_roles r join unnest(array[${schemas}]) as s (schema) on r.rolname like s.schema || '\\_%'
     ), namespace as (
       select oid, nspname as name from pg_namespace where nspname not in (${harmless}) and nspname not like 'pg\\_%'
     )
     select format('%s has %s on schema %s', r.name, p, n.name) as finding
     from role r, namespace n, unnest(array['usage', 'create']) p
     where n.name <> r.schema and (n.name <> 'public' or p = 'create') and has_schema_privilege(r.oid, n.oid, p)
     union all
     select format('%s has %s on %s', r.name, p, c.oid::regclass)
     from role r, namespace n, pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
     where n.name <> r.schema and c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege(r.oid, c.oid, p)
     union all
     select format('%s has select on a column of %s', r.name, c.oid::regclass)
     from role r, namespace n, pg_class c
     where n.name <> r.schema and c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_any_column_privilege(r.oid, c.oid, 'select, insert, update, references')
     union all
     select format('%s may use %s', r.name, c.oid::regclass)
     from role r, namespace n, pg_class c
     where n.name <> r.schema and c.relnamespace = n.oid and c.relkind = 'S' and has_sequence_privilege(r.oid, c.oid, 'usage, select, update')
     union all
     select format('%s may call %s', r.name, p.oid::regprocedure)
     from role r, namespace n, pg_proc p
     where n.name <> r.schema and p.pronamespace = n.oid and has_function_privilege(r.oid, p.oid, 'execute')
     union all
     select format('%s is a member of %s', r.name, o.rolname)
     from role r join pg_auth_members m on m.member = r.oid join pg_roles o on o.oid = m.roleid
     union all
     select format('%s has a power over the whole server', r.name) from role r where r.mighty
     union all
     select format('%s may create in the database', r.name) from role r where has_database_privilege(r.oid, current_database(), 'create')
     union all
     select format('%s, a login, owns %s', r.name, c.oid::regclass) from role r join pg_class c on c.relowner = r.oid where r.login`,
  );
}

/** What a role lacks in its own schema: a matrix of nothing but refusals would be diagonal too. */
export function rightsMissing(db: Catalogue): Promise<string[]> {
  return said(
    db,
    `select format('%s cannot use its own schema', r.rolname) as finding
     from pg_roles r join pg_namespace n on n.nspname in (${schemas}) and r.rolname like n.nspname || '\\_%'
     where not has_schema_privilege(r.oid, n.oid, 'usage')
     union all
     select format('%s may write %s', r.rolname, c.oid::regclass)
     from pg_roles r join pg_namespace n on n.nspname in (${schemas}) and r.rolname in (n.nspname || '_read', n.nspname || '_platform')
     join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
     where has_table_privilege(r.oid, c.oid, 'insert, update, delete, truncate')`,
  );
}

async function said(db: Catalogue, query: string): Promise<string[]> {
  return (await db.unsafe(query)).map((row) => String(row['finding'])).toSorted();
}
