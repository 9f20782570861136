import { problem } from '@sentral/contracts/problem';
import * as v from 'valibot';
import type { Body, ChangeItem, ChangeRow, ImportLimits } from './change-set.js';
import { changeHeadSchema, changeRowSchema, rowFault } from './row-schema.js';
import { textLines } from './text-lines.js';

/**
 * Reads a change set of NDJSON lines. A line that is JSON and no row is reported by its key and stops nothing else; a line that is not
 * JSON stops the whole, because then the file was cut or is something else.
 * @throws Problem malformed-request with the line; content-too-large for too many or too long lines
 */
export async function* readChangeLines(body: Body, limits: ImportLimits): AsyncGenerator<ChangeItem> {
  let head = false;
  let rows = 0;
  const seen = new Set<string>();
  for await (const { text, number } of textLines(body, limits.lineBytes)) {
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw problem(
        'malformed-request',
        { line: number },
        `Line ${number} is not JSON; nothing of the file was taken over.`,
      );
    }
    if (!head) {
      const parsed = v.safeParse(changeHeadSchema, value);
      yield { item: 'head', format: 'changeset', complete: parsed.success && parsed.output.complete };
      head = true;
      if (parsed.success) continue;
    }
    rows += 1;
    if (rows > limits.lines)
      throw problem(
        'content-too-large',
        { maxLines: limits.lines, line: number },
        `The file has more than ${limits.lines} lines.`,
      );
    const parsed = v.safeParse(changeRowSchema, value);
    const key = keyOf(value, number);
    const fault = rowFault(parsed);
    if (fault !== undefined) yield { item: 'rejected', line: number, key, reason: fault };
    else if (seen.has(key))
      yield {
        item: 'rejected',
        line: number,
        key: `${key}#${number}`,
        reason: `${key} occurs twice in the file; the first is taken`,
      };
    else {
      seen.add(key);
      // exactOptionalPropertyTypes: valibot leaves absent keys out, its type says `| undefined`
      yield { item: 'row', line: number, row: parsed.output as ChangeRow };
    }
  }
  if (!head) throw problem('malformed-request', { position: 0 }, 'The file is empty.');
}

function keyOf(value: unknown, line: number): string {
  const key = typeof value === 'object' && value !== null ? (value as { externalId?: unknown }).externalId : undefined;
  return typeof key === 'string' && key !== '' ? key : `line ${line}`;
}
