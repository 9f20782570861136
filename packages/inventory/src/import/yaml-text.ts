import { problem } from '@sentral/contracts/problem';
import { parse, type ScalarTag } from 'yaml';

/** The files are written for YAML 1.1, where `08` is text; a 1.2 reader gives the number 8, and the reference to port '08' breaks. */
const leadingZeroIsText: ScalarTag = {
  tag: 'tag:yaml.org,2002:str',
  default: true,
  test: /^0[0-9]+$/,
  resolve: (text) => text,
};

/**
 * Reads one YAML document.
 * @throws Problem malformed-request
 */
export function readYaml(text: string, place: string): unknown {
  try {
    return parse(text, {
      schema: 'core',
      customTags: (tags) => [leadingZeroIsText, ...tags],
      maxAliasCount: 100,
      logLevel: 'silent',
    }) as unknown;
  } catch (error) {
    const { message, linePos } = error as { message?: string; linePos?: readonly { line: number }[] };
    const line = linePos?.[0]?.line;
    throw problem(
      'malformed-request',
      { place, ...(line === undefined ? {} : { line }) },
      `${place} is not YAML: ${(message ?? '').split('\n')[0] ?? ''}`,
    );
  }
}

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
