import type { Change } from '@sentral/contracts/compat';
import { compareGolden, type Golden } from '@sentral/contracts/golden';
import { compareOpenApi } from '@sentral/contracts/openapi-compat';
import { baseRevision, changedFiles, goldensAt, newChangesets, openApiAt } from './revision.js';
import { dependantsOf, workspacePackages } from './workspace.js';

/** The packages whose change concerns others most. */
const watched = ['contracts', 'inventory', 'task'];
const contractsPackage = '@sentral/contracts';

export interface Report {
  readonly markdown: string;
  /** A change breaks somebody and no changeset entry says so. */
  readonly failed: boolean;
}

/** What changed in the contract since the base, whom it concerns, and whether it may go in like this. */
export function contractReport(root: string, givenBase?: string): Report {
  const base = baseRevision(root, givenBase);
  if (base === undefined) {
    return { markdown: '# Contract report\n\nThere is no earlier revision to compare with.\n', failed: false };
  }
  const changes = contractChanges(goldensAt(root, base), goldensAt(root));
  const operations = operationChanges(openApiAt(root, base), openApiAt(root));
  const breaking = [...[...changes.values()].flat(), ...operations].filter((change) => change.breaking).length;
  const changesets = newChangesets(root, base);
  const lines = [
    '# Contract report',
    '',
    `Against \`${base.slice(0, 12)}\`.`,
    '',
    '## Contracts',
    '',
    ...(changes.size === 0 ? ['No contract changed.', ''] : [...changes].flatMap(contextLines)),
    '## Public API',
    '',
    ...(operations.length === 0 ? ['No operation changed.', ''] : operationLines(operations)),
    '## Packages',
    '',
    ...packageLines(root, changedFiles(root, base)),
    ...verdict(breaking, changesets),
  ];
  return { markdown: `${lines.join('\n')}\n`, failed: breaking > 0 && changesets.length === 0 };
}

function contractChanges(
  before: ReadonlyMap<string, Golden>,
  after: ReadonlyMap<string, Golden>,
): Map<string, readonly Change[]> {
  const contexts = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  const found = contexts.map((context): [string, readonly Change[]] => [
    context,
    changesOf(before.get(context), after.get(context)),
  ]);
  return new Map(found.filter(([, changes]) => changes.length > 0));
}

function changesOf(before: Golden | undefined, after: Golden | undefined): readonly Change[] {
  if (before && after) return compareGolden(before, after);
  return after
    ? [{ path: after.context, change: 'contract added', breaking: false }]
    : [{ path: before?.context ?? '', change: 'contract removed', breaking: true }];
}

/** A document that was not there promised nothing. */
function operationChanges(before: unknown, after: unknown): readonly Change[] {
  return before === undefined ? [] : compareOpenApi(before, after ?? {});
}

/** The operations by name, then what changed in them. */
function operationLines(changes: readonly Change[]): string[] {
  const names = [...new Set(changes.map(({ path }) => path.split(':')[0]))];
  return [`Changed: ${names.map((name) => `\`${name}\``).join(', ')}.`, '', ...changeTable(changes)];
}

function contextLines([context, changes]: [string, readonly Change[]]): string[] {
  return [`### ${context}`, '', ...changeTable(changes)];
}

function changeTable(changes: readonly Change[]): string[] {
  const rows = changes
    .toSorted((a, b) => Number(b.breaking) - Number(a.breaking))
    .map(
      ({ path, change, breaking }) =>
        `| ${breaking ? '**breaking**' : 'compatible'} | \`${path}\` | ${change.replaceAll('|', '\\|')} |`,
    );
  return ['| | where | change |', '|---|---|---|', ...rows, ''];
}

function packageLines(root: string, changed: readonly string[]): string[] {
  const packages = workspacePackages(root);
  return watched.flatMap((short) => {
    const name = `@sentral/${short}`;
    const folder = packages.get(name)?.folder;
    const files = changed.filter((file) => folder !== undefined && file.startsWith(`${folder}/`));
    if (files.length === 0) return [`- \`${name}\`: unchanged`, ...(short === 'task' ? [''] : [])];
    const dependants = dependantsOf(root, name).map(({ name: who, through }) =>
      through === '' ? `\`${who}\`` : `\`${who}\` (through \`${through}\`)`,
    );
    return [
      `- \`${name}\`: ${files.length} ${files.length === 1 ? 'file' : 'files'} changed; concerns ${dependants.join(', ') || 'nobody'}`,
      ...(short === 'task' ? [''] : []),
    ];
  });
}

function verdict(breaking: number, changesets: readonly string[]): string[] {
  if (breaking === 0) return ['Nothing breaks a reader of the contract.'];
  const count = `${breaking} breaking ${breaking === 1 ? 'change' : 'changes'}`;
  return changesets.length > 0
    ? [`${count}, announced by ${changesets.map((name) => `\`.changeset/${name}\``).join(', ')}.`]
    : [`**${count} and no entry in .changeset that raises ${contractsPackage} by major or minor.**`];
}
