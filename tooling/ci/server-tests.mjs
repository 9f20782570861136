import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './steps.mjs';

const needsServer = /\binject\(|@sentral\/(servers|testing)['"/]|\bstart(Postgres|Nats)\b/;

/**
 * Test files of a package that need a server although their name does not say so (`*.db.test.ts`): they ask for one
 * themselves, or import a file beside them that does.
 */
export function serverTests(folder) {
  return ['src', 'test']
    .map((name) => path.join(root, folder, name))
    .filter((at) => existsSync(at))
    .flatMap((at) => readdirSync(at, { recursive: true, encoding: 'utf8' }).map((name) => path.join(at, name)))
    .filter(
      (file) =>
        file.endsWith('.test.ts') &&
        [file, ...besideIt(file)].some((each) => needsServer.test(readFileSync(each, 'utf8'))),
    )
    .map((file) => path.relative(path.join(root, folder), file));
}

function besideIt(file) {
  const imports = readFileSync(file, 'utf8').matchAll(/from '(\.\/[^']+)\.js'/g);
  return [...imports]
    .map(([, name = '']) => path.join(path.dirname(file), `${name}.ts`))
    .filter((each) => existsSync(each));
}
