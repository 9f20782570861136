import { parseSync, Visitor, type Node } from 'oxc-parser';
import type { SourceFile } from './files.js';

/** What takes a lock of its own, or judges by a constraint that another transaction may be about to change. */
const locks =
  /\bfor\s+(no\s+key\s+update|update|key\s+share|share)\b|\bpg_(try_)?advisory_|\bon\s+conflict\b|\block\s+table\b/i;
const statement = /^\s*(with|select|insert|update|delete|merge|lock|values|create|do)\b/i;

/** One statement that locks, with the function or constant that holds it. Interpolations are `${…}` as the source has them. */
export interface Locking {
  readonly file: string;
  readonly holder: string;
  readonly sql: string;
}

/** Every SQL text of these files that locks, found in the source, so that a new one cannot be forgotten. */
export function lockingStatements(files: readonly SourceFile[]): Locking[] {
  return files.flatMap(({ name, text }) => {
    const { program } = parseSync(name, text);
    const holders = holdersOf(program);
    const found: Locking[] = [];
    const take = (start: number, end: number): void => {
      // Without its quotes, on one line: how it is laid out is not what it does.
      const sql = text
        .slice(start + 1, end - 1)
        .replaceAll(/\s+/g, ' ')
        .trim();
      if (!locks.test(sql) || !(statement.test(sql) || sql.startsWith('${'))) return;
      const holder = holders.findLast((each) => each.start <= start && end <= each.end);
      found.push({ file: name, holder: holder?.name ?? '', sql });
    };
    new Visitor({
      TemplateLiteral: ({ start, end }) => take(start, end),
      Literal: ({ start, end, value }) => typeof value === 'string' && take(start, end),
    }).visit(program);
    return found;
  });
}

interface Holder {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What the file declares by name, outermost first. */
function holdersOf(program: Parameters<Visitor['visit']>[0]): Holder[] {
  const holders: Holder[] = [];
  const add = (id: Node | null, { start, end }: { start: number; end: number }): void => {
    if (id?.type === 'Identifier') holders.push({ name: id.name, start, end });
  };
  for (const each of program.body) {
    const declared = each.type === 'ExportNamedDeclaration' ? each.declaration : each;
    if (declared?.type === 'FunctionDeclaration') add(declared.id, declared);
    if (declared?.type === 'VariableDeclaration') for (const one of declared.declarations) add(one.id, one);
  }
  return holders;
}

/** As the golden file has them: read by people, line by line. */
export function lockingText(found: readonly Locking[]): string {
  const lines = found.map(({ file, holder, sql }) => `${file} ${holder}\n  ${sql}\n`);
  return [
    '# Every statement of the contexts and the kernel that locks rows or keys, or judges by ON CONFLICT. What changes here',
    '# changes who waits for whom: read it beside the lock order at the head of the file. Written by `pnpm golden`.',
    '',
    ...lines.toSorted(),
  ].join('\n');
}
