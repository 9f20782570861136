// The text format of Prometheus, version 0.0.4, and the three kinds of instruments that are needed here.

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** What one name says: read when it is asked for. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  read(): readonly Line[] | Promise<readonly Line[]>;
}

interface Line extends Sample {
  /** Of a histogram: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
}

interface Named<L extends string> {
  readonly name: string;
  readonly help: string;
  /** Their values come from closed lists: each set of values is a series that is kept for ever. */
  readonly labels: readonly L[];
}

export interface Counter<L extends string> extends Family {
  add(labels: Readonly<Record<L, string>>, by?: number): void;
}

export function counter<const L extends string>({ name, help, labels }: Named<L>): Counter<L> {
  const series = seriesOf(labels, () => ({ value: 0 }));
  return {
    name,
    help,
    type: 'counter',
    add: (values, by = 1) => void (series.of(values).value += by),
    read: () => series.all().map(([values, { value }]) => ({ labels: values, value })),
  };
}

/** A gauge is looked up when it is asked for; what cannot be looked up has no sample. */
export function gauge(
  name: string,
  help: string,
  look: () => readonly Sample[] | Promise<readonly Sample[]>,
  type: 'gauge' | 'counter' = 'gauge',
): Family {
  return { name, help, type, read: look };
}

export interface Histogram<L extends string> extends Family {
  observe(labels: Readonly<Record<L, string>>, value: number): void;
}

/** `bounds` rise; what is above the last is counted under +Inf alone. */
export function histogram<const L extends string>(
  { name, help, labels }: Named<L>,
  bounds: readonly number[],
): Histogram<L> {
  const series = seriesOf(labels, () => ({ counts: bounds.map(() => 0), count: 0, sum: 0 }));
  return {
    name,
    help,
    type: 'histogram',
    observe(values, value) {
      const one = series.of(values);
      const at = bounds.findIndex((bound) => value <= bound);
      if (at >= 0) one.counts[at] = (one.counts[at] ?? 0) + 1;
      one.count += 1;
      one.sum += value;
    },
    read: () =>
      series.all().flatMap(([values, { counts, count, sum }]): Line[] => {
        let below = 0;
        return [
          ...bounds.map((bound, at) => {
            below += counts[at] ?? 0;
            return { suffix: '_bucket', labels: { ...values, le: String(bound) }, value: below };
          }),
          { suffix: '_bucket', labels: { ...values, le: '+Inf' }, value: count },
          { suffix: '_sum', labels: values, value: sum },
          { suffix: '_count', labels: values, value: count },
        ];
      }),
  };
}

function seriesOf<L extends string, T>(names: readonly L[], make: () => T) {
  const kept = new Map<string, [Labels, T]>();
  return {
    of(labels: Readonly<Record<L, string>>): T {
      const key = names.map((name) => labels[name]).join('\n');
      let one = kept.get(key);
      if (one === undefined) kept.set(key, (one = [labels, make()]));
      return one[1];
    },
    all: () => [...kept.values()],
  };
}

/** All families as text; one that cannot be read is left out and does not keep the others from being seen. */
export async function exposition(families: readonly Family[]): Promise<string> {
  const texts = await Promise.all(
    families.map(async ({ name, help, type, read }) => {
      const lines = await Promise.resolve()
        .then(read)
        .catch((): readonly Line[] => []);
      const head = [`# HELP ${name} ${escaped(help, /[\\\n]/g)}`, `# TYPE ${name} ${type}`];
      return [...head, ...lines.map((line) => `${name}${textOf(line)}`)].join('\n');
    }),
  );
  return `${texts.join('\n')}\n`;
}

function textOf({ suffix = '', labels = {}, value }: Line): string {
  const pairs = Object.entries(labels).map(([name, label]) => `${name}="${escaped(label, /[\\\n"]/g)}"`);
  return `${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

function escaped(text: string, what: RegExp): string {
  return text.replaceAll(what, (found) => (found === '\n' ? '\\n' : `\\${found}`));
}
