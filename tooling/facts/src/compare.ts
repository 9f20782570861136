export interface Difference {
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isKeyed = (value: unknown): value is readonly (Json & { key: string })[] =>
  Array.isArray(value) && value.length > 0 && value.every((row) => isObject(row) && typeof row['key'] === 'string');

/** Whole numbers are equal to their decimal text: a size of an IPv6 block has no other form. */
function plain(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && Number.isInteger(value)) return String(BigInt(value));
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return String(BigInt(value));
  return JSON.stringify(value);
}

/**
 * Compares facts with the expected ones: every path that `actual` holds must be equal, rows by their key; what it leaves out is a
 * difference only inside the sections that are required.
 */
export function differences(expected: Json, actual: Json, required: readonly string[]): Difference[] {
  const out: Difference[] = [];
  const walk = (path: string, want: unknown, have: unknown, must: boolean): void => {
    if (have === undefined) {
      if (must && want !== undefined) out.push({ path, expected: want, actual: have });
    } else if (want === undefined) out.push({ path, expected: want, actual: have });
    else if (isKeyed(want) && (isKeyed(have) || (Array.isArray(have) && have.length === 0))) {
      const wanted = new Map(want.map((row) => [row.key, row]));
      const had = new Map((have as readonly (Json & { key: string })[]).map((row) => [row.key, row]));
      if (had.size !== have.length) out.push({ path, expected: 'unique keys', actual: 'duplicate keys' });
      for (const key of new Set([...wanted.keys(), ...had.keys()])) {
        if (had.has(key)) walk(`${path}[${key}]`, wanted.get(key), had.get(key), must);
        else out.push({ path: `${path}[${key}]`, expected: wanted.get(key), actual: undefined });
      }
    } else if (Array.isArray(want) || Array.isArray(have)) {
      if (!Array.isArray(want) || !Array.isArray(have) || want.length !== have.length)
        out.push({ path, expected: want, actual: have });
      else want.forEach((value, n) => walk(`${path}[${n}]`, value, have[n], must));
    } else if (isObject(want) && isObject(have)) {
      for (const key of new Set([...Object.keys(want), ...Object.keys(have)])) {
        walk(
          path === '' ? key : `${path}.${key}`,
          want[key],
          have[key],
          must || (path === '' && required.includes(key)),
        );
      }
    } else if (plain(want) !== plain(have)) out.push({ path, expected: want, actual: have });
  };
  for (const section of required)
    if (!(section in actual)) out.push({ path: section, expected: 'a section', actual: undefined });
  walk('', expected, actual, false);
  return out;
}
