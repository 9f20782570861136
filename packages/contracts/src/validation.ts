import * as v from 'valibot';
import { problem } from './problem.js';

/** One thing that is wrong in the content: an RFC 6901 pointer, a code in lower_snake, and text for people. */
export interface ContentError {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

// A refusal that lists everything wrong with a hostile body would be larger than the body.
const errorsMax = 50;

/**
 * Reads a value by its schema; what comes back is the schema's output, never the input.
 * @throws Problem validation-failed
 */
export function parseContent<S extends v.GenericSchema>(schema: S, value: unknown, under = ''): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw problem('validation-failed', { errors: contentErrors(parsed.issues, under) });
}

/** Says what is wrong by pointer; the refused value is never repeated, it may be a secret in the wrong field. */
export function contentErrors(issues: readonly v.BaseIssue<unknown>[], under = ''): readonly ContentError[] {
  return issues.slice(0, errorsMax).map((issue) => ({
    pointer: under + pointerOf(issue),
    code: codeOf(issue),
    message: messageOf(issue),
  }));
}

/** Joins path segments to an RFC 6901 pointer. */
export function jsonPointer(segments: readonly (string | number)[]): string {
  return segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function pointerOf(issue: v.BaseIssue<unknown>): string {
  return jsonPointer((issue.path ?? []).map((item) => item.key as string | number));
}

function codeOf(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'unknown_field';
  if (issue.received === 'undefined') return 'required';
  return issue.kind === 'schema' ? 'type' : issue.type;
}

function messageOf(issue: v.BaseIssue<unknown>): string {
  // The library's own messages end in the received value; those of a schema's author do not.
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  if (issue.expected === 'never') return 'this field is not known';
  return issue.expected === null ? 'not valid' : `expected ${issue.expected}`;
}
