import { problem } from '@sentral/contracts/problem';
import type { Body, ImportLimits } from '../change-set.js';
import { textLines } from '../text-lines.js';

/** One YAML file of a library; `path` is known when the upload says it. */
export interface TypeDocument {
  readonly text: string;
  readonly path?: string;
  /** Line of the upload at which it begins. */
  readonly line: number;
}

/**
 * A stream of YAML documents, each beginning with `---`. A comment `# file: <path>` as its first line names the file.
 * @throws Problem content-too-large
 */
export async function* yamlDocuments(body: Body, limits: ImportLimits): AsyncGenerator<TypeDocument> {
  let lines: string[] = [];
  let size = 0;
  let startsAt = 1;
  const finish = (): TypeDocument | undefined => {
    const text = lines.join('\n');
    lines = [];
    size = 0;
    if (/^(\s*(#.*)?\n?)*$/.test(text)) return undefined;
    const path = /^# file: (\S.*)$/m.exec(text.slice(0, 1024))?.[1];
    return { text: `${text}\n`, line: startsAt, ...(path === undefined ? {} : { path: path.trimEnd() }) };
  };
  for await (const { text, number } of textLines(body, limits.lineBytes)) {
    if (text === '---' || text.startsWith('--- ')) {
      const document = finish();
      if (document) yield document;
      startsAt = number + 1;
      continue;
    }
    size += text.length + 1;
    if (size > limits.elementBytes) {
      throw problem(
        'content-too-large',
        { maxBytes: limits.elementBytes, line: startsAt },
        `The document at line ${startsAt} is larger than ${limits.elementBytes} bytes.`,
      );
    }
    lines.push(text);
  }
  const document = finish();
  if (document) yield document;
}

/**
 * NDJSON lines of {path, text}: what a client sends for a directory without an archive format.
 * @throws Problem malformed-request, content-too-large
 */
export async function* listedDocuments(body: Body, limits: ImportLimits): AsyncGenerator<TypeDocument> {
  for await (const { text, number } of textLines(body, limits.elementBytes)) {
    if (text.trim() === '') continue;
    let value: { path?: unknown; text?: unknown };
    try {
      value = JSON.parse(text) as typeof value;
    } catch {
      throw problem('malformed-request', { line: number }, `Line ${number} is not JSON.`);
    }
    if (
      typeof value !== 'object' ||
      value === null ||
      typeof value.path !== 'string' ||
      typeof value.text !== 'string'
    ) {
      throw problem(
        'malformed-request',
        { line: number },
        `Line ${number} is no file of a device type library: it needs path and text.`,
      );
    }
    yield { path: value.path, text: value.text, line: number };
  }
}
