/** What a scrape says, read as strictly as the text format 0.0.4 and its conventions are written. */
export interface Scrape {
  readonly families: ReadonlyMap<string, { readonly type: string; readonly help: string }>;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
  /** The one sample of this name whose labels hold these; 0 where there is none yet. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

const types = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const number = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?)|[+-]Inf|NaN)$/;

/** @throws Error that names the line and the rule */
export function parseExposition(text: string): Scrape {
  if (!text.endsWith('\n') || text.endsWith('\n\n')) throw new Error('the text must end with one line feed');
  const families = new Map<string, { type: string; help: string }>();
  const samples: Scrape['samples'][number][] = [];
  const seen = new Set<string>();
  let help: { name: string; text: string } | undefined;
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const wrong = (rule: string): Error => new Error(`${rule}: ${line}`);
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') {
      if (families.has(name)) throw wrong('a family stands once');
      if (!/^(?:[^\\]|\\[\\n])*$/.test(rest)) throw wrong('a help text escapes backslash and line feed alone');
      help = { name, text: rest };
    } else if (word === 'TYPE') {
      if (help?.name !== name) throw wrong('HELP comes before TYPE');
      if (!types.has(rest)) throw wrong('no such type');
      families.set(name, { type: rest, help: help.text });
      current = name;
    } else {
      const sample = readSample(line, wrong);
      const family = families.get(current);
      if (family === undefined || familyOf(sample.name, current, family.type) !== current)
        throw wrong('a sample stands under its family');
      const key = `${sample.name} ${keyOf(sample.labels)}`;
      if (seen.has(key)) throw wrong('a series stands once');
      if (family.type !== 'gauge' && sample.value < 0) throw wrong('what counts is not negative');
      seen.add(key);
      samples.push(sample);
    }
  }
  for (const [name, { type, help: said }] of families) {
    if (said === '') throw new Error(`${name} has no help`);
    if ((type === 'counter') !== name.endsWith('_total'))
      throw new Error(`${name}: counters, and nothing else, end with _total`);
    if (type === 'histogram') checkHistogram(name, samples);
  }
  return {
    families,
    samples,
    value: (name, labels = {}) => {
      const found = samples.filter(
        (each) => each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
      );
      if (found.length > 1) throw new Error(`${name} has ${found.length} such samples`);
      return found[0]?.value ?? 0;
    },
  };
}

function readSample(line: string, wrong: (rule: string) => Error): Scrape['samples'][number] {
  const [, name, pairs, value] = sampleLine.exec(line) ?? [];
  if (name === undefined || value === undefined) throw wrong('neither a comment nor a sample');
  if (!number.test(value)) throw wrong('no number');
  const labels: Record<string, string> = {};
  for (let rest = pairs ?? ''; rest !== '';) {
    const [whole, label, text] = labelPair.exec(rest) ?? [];
    if (whole === undefined || label === undefined || text === undefined) throw wrong('no label');
    if (label.startsWith('__')) throw wrong('a reserved label');
    if (label in labels) throw wrong('a label stands once');
    labels[label] = text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}

function familyOf(sample: string, current: string, type: string): string {
  const suffix = type === 'histogram' ? /_(?:bucket|sum|count)$/ : type === 'summary' ? /_(?:sum|count)$/ : undefined;
  if (suffix === undefined) return sample;
  return sample.startsWith(current) ? sample.replace(suffix, '') : sample;
}

/** Buckets rise to +Inf, which is the count; each series has its sum. */
function checkHistogram(name: string, samples: Scrape['samples']): void {
  const series = new Map<string, Map<string, number>>();
  for (const { name: sample, labels, value } of samples) {
    if (!sample.startsWith(`${name}_`)) continue;
    const { le, ...rest } = labels;
    const key = keyOf(rest);
    const one = series.get(key) ?? new Map<string, number>();
    series.set(key, one.set(le === undefined ? sample.slice(name.length) : `le ${le}`, value));
  }
  for (const [key, one] of series) {
    const buckets = [...one]
      .filter(([what]) => what.startsWith('le '))
      .map(([what, count]) => [Number(what.slice(3).replace('Inf', 'Infinity')), count] as const);
    const rising = buckets.every(
      ([le, count], at) => at === 0 || (le > buckets[at - 1]![0] && count >= buckets[at - 1]![1]),
    );
    if (!rising) throw new Error(`the buckets of ${name} ${key} do not rise`);
    const [last, count] = buckets.at(-1) ?? [];
    if (last !== Infinity || count !== one.get('_count') || !one.has('_sum'))
      throw new Error(`${name} ${key} has no +Inf bucket that is its count, or no sum`);
  }
}

/** The same for the same labels in any order. */
function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(labels, Object.keys(labels).toSorted());
}
