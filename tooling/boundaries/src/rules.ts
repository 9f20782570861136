import { contexts } from '@sentral/lint-plugin/rooms';
import { foreignSchemaIn } from '@sentral/lint-plugin/sql-text';
import { filesUnder, linesOf, manifestsOf, type Manifest } from './files.js';

const code = /\.(ts|tsx|js|mjs|cjs)$/;
const isTest = (name: string): boolean => /\.test\.[a-z]+$/.test(name) || name.includes('/test/');

const longestFile = 350;
// A test is read a case at a time.
const longestTest = 400;
// Counted apart (docs/adr/0002): adapters of the bus, and the two files that run migrations, for the migrator and for tests.
const migrationFiles = /^packages\/kernel\/src\/migrat(e|ion-files)\.ts$/;
const kernelFiles = 18;
const kernelLines = 3200;
// The projection of scopes, counted apart too (docs/adr/0014).
const scopesFolder = 'packages/kernel/src/scopes/';
const scopesLines = 400;
const contextEntries = ['.', './migrations', './operate', './package.json'];

/** A rule looks at a workspace and says, in words, what breaks it. */
export type Rule = (root: string) => string[];

/** What no linter sees: manifests, sizes, compiler settings, migrations. By name, for the tests. */
export const rules = {
  'contracts depend on valibot alone': (root) =>
    manifest(root, 'packages/contracts', (contracts) =>
      Object.keys(contracts.dependencies)
        .filter((name) => name !== 'valibot')
        .map((name) => `packages/contracts depends on ${name}`),
    ),

  'contracts run in a browser': (root) =>
    filesUnder(root, ['packages/contracts/src'], code)
      .filter(({ name }) => !isTest(name))
      .filter(({ text }) =>
        /['"`]node:|\bBuffer\b\s*[.(]|\bprocess\s*\.\s*(env|argv|nextTick|hrtime|stdout)/.test(text),
      )
      .map(({ name }) => `${name} uses what only Node has`),

  'the kernel stays small': (root) => {
    const all = filesUnder(root, ['packages/kernel/src'], code).filter(({ name }) => !isTest(name));
    const files = all.filter(
      ({ name }) =>
        !name.startsWith('packages/kernel/src/bus/') && !name.startsWith(scopesFolder) && !migrationFiles.test(name),
    );
    const sum = (of: typeof all) => of.reduce((so, { text }) => so + linesOf(text), 0);
    const [lines, ofScopes] = [sum(files), sum(all.filter(({ name }) => name.startsWith(scopesFolder)))];
    return [
      ...(files.length > kernelFiles ? [`packages/kernel has ${files.length} files, more than ${kernelFiles}`] : []),
      ...(lines > kernelLines ? [`packages/kernel has ${lines} lines, more than ${kernelLines}`] : []),
      ...(ofScopes > scopesLines ? [`${scopesFolder} has ${ofScopes} lines, more than ${scopesLines}`] : []),
    ];
  },

  'no file is longer than one can read': (root) =>
    filesUnder(root, ['packages', 'apps', 'tooling'], code)
      .map(({ name, text }) => ({ name, lines: linesOf(text), most: isTest(name) ? longestTest : longestFile }))
      .filter(({ lines, most }) => lines > most)
      .map(({ name, lines, most }) => `${name} has ${lines} lines, more than ${most}`),

  'contexts depend on contracts and kernel': (root) =>
    manifestsOf(root)
      .filter(({ folder }) => isContext(folder))
      .flatMap(({ folder, dependencies, devDependencies }) => {
        const others = Object.entries({ ...devDependencies, ...dependencies }).filter(([name, version]) =>
          contexts.some(
            (context) =>
              folder !== `packages/${context}` &&
              (name === `@sentral/${context}` || version.includes(`@sentral/${context}`)),
          ),
        );
        const shipped = Object.keys(dependencies).filter(
          (name) => name.startsWith('@sentral/') && !['@sentral/contracts', '@sentral/kernel'].includes(name),
        );
        return [...new Set([...others.map(([name]) => name), ...shipped])].map(
          (name) => `${folder} depends on ${name}`,
        );
      }),

  'contexts export their factory, their migrations and their operator commands': (root) =>
    manifestsOf(root)
      .filter(({ folder }) => isContext(folder))
      .flatMap(({ folder, exports }) =>
        Object.keys(exports)
          .filter((entry) => !contextEntries.includes(entry))
          .map((entry) => `${folder} exports ${entry}`),
      ),

  'no import has two names': (root) => [
    ...manifestsOf(root)
      .filter(({ imports }) => imports !== undefined)
      .map(({ folder }) => `${folder}/package.json has subpath aliases (imports)`),
    ...manifestsOf(root).flatMap(({ folder, dependencies, devDependencies }) =>
      Object.entries({ ...devDependencies, ...dependencies })
        .filter(([, version]) => /^(npm:|link:|file:|portal:|workspace:.*@sentral|workspace:\.)/.test(version))
        .map(([name, version]) => `${folder} takes ${name} under another name: ${version}`),
    ),
    ...filesUnder(root, ['packages', 'apps', 'tooling'], /^tsconfig.*\.json$/)
      .filter(({ text }) => /"(paths|baseUrl|rootDirs)"\s*:/.test(text))
      .map(({ name }) => `${name} has path aliases`),
  ],

  'what is built comes from src': (root) =>
    filesUnder(root, ['packages', 'apps'], /^tsconfig\.build\.json$/)
      .filter(({ text }) => !/"rootDir"\s*:\s*"src"/.test(text))
      .map(({ name }) => `${name} does not hold rootDir to src`),

  'migrations name no schema of another context': (root) =>
    contexts.flatMap((context) =>
      filesUnder(root, [`packages/${context}/migrations`], /\.sql$/).flatMap(({ name, text }) => {
        const schema = foreignSchemaIn(text, context);
        return schema ? [`${name} names the schema ${schema}`] : [];
      }),
    ),
} as const satisfies Record<string, Rule>;

const isContext = (folder: string): boolean => contexts.some((context) => folder === `packages/${context}`);

function manifest(root: string, folder: string, judge: (found: Manifest) => string[]): string[] {
  const found = manifestsOf(root).find((each) => each.folder === folder);
  return found ? judge(found) : [`${folder} is missing`];
}
