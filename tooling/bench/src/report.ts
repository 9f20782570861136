import type { Measured } from './load.js';

/** One figure: what was reached, beside the limit of the same run. */
export interface Figure {
  readonly workload: string;
  readonly what: string;
  readonly value: Measured;
  readonly limit?: Measured;
  /** Of the limit, that must be reached. */
  readonly ratioLeast?: number;
  readonly p50MsMost?: number;
  readonly p99MsMost?: number;
  /** What must hold besides, and does or does not. */
  readonly holds?: Readonly<Record<string, boolean>>;
  /** What is told besides. */
  readonly besides?: Readonly<Record<string, number | string>>;
}

/** Whether all is reached; prints one line for people, and one of JSON where a file is given. */
export function report(figure: Figure, write: (line: string) => void): boolean {
  const { workload, what, value, limit, ratioLeast, p50MsMost, p99MsMost } = figure;
  const ratio = limit === undefined ? undefined : value.perSecond / limit.perSecond;
  const holds = {
    'no request failed': value.failed === 0,
    ...figure.holds,
    ...(ratio === undefined || ratioLeast === undefined
      ? {}
      : { [`ratio at least ${ratioLeast}`]: ratio >= ratioLeast }),
    ...(p50MsMost === undefined ? {} : { [`p50 at most ${p50MsMost} ms`]: value.p50Ms <= p50MsMost }),
    ...(p99MsMost === undefined ? {} : { [`p99 under ${p99MsMost} ms`]: value.p99Ms < p99MsMost }),
  };
  const missed = Object.entries(holds).flatMap(([name, held]) => (held ? [] : [name]));
  const speed = `${value.perSecond.toFixed(0)}/s, p50 ${value.p50Ms.toFixed(1)} ms, p99 ${value.p99Ms.toFixed(1)} ms`;
  const beside =
    limit === undefined || ratio === undefined
      ? ''
      : `, limit ${limit.perSecond.toFixed(0)}/s, ratio ${ratio.toFixed(2)}`;
  const told = Object.entries(figure.besides ?? {})
    .map(([name, each]) => `, ${name} ${each}`)
    .join('');
  const verdict = missed.length === 0 ? 'reached' : `MISSED: ${missed.join('; ')}`;
  console.log(`${workload} ${what}: ${speed}${beside}${told} [${verdict}]`);
  for (const failure of value.failures) console.log(`   ${failure}`);
  write(JSON.stringify({ ...figure, ratio, missed }));
  return missed.length === 0;
}
