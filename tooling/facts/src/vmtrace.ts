/** A request for a machine, as the trace has it. Times are its seconds. */
export interface Machine {
  readonly id: number;
  readonly batch: number;
  readonly arrival: number;
  /** Infinity: it never leaves. */
  readonly departure: number;
  readonly cores: number;
  readonly memMiB: number;
}

export interface Sizes {
  readonly cores: number;
  readonly memMiB: number;
}

const head = 'id,batch,arrival,departure,type,cores,mem_mib';

/** The first seconds of a trace of `id,batch,arrival,departure,type,cores,mem_mib` lines, in the order of the file. */
export function machinesOf(csv: string, seconds: number): readonly Machine[] {
  const [first, ...rows] = csv.trim().split(/\r?\n/);
  if (first !== head) throw new Error(`the head is ${first}, not ${head}`);
  const machines = rows.map((row) => {
    const [id, batch, arrival, departure, , cores, memMiB] = row.split(',');
    const leaves = departure === '' ? Infinity : Number(departure);
    return {
      id: Number(id),
      batch: Number(batch),
      arrival: Number(arrival),
      departure: leaves,
      cores: Number(cores),
      memMiB: Number(memMiB),
    };
  });
  const from = machines[0]?.arrival ?? 0;
  return machines.filter(({ arrival }) => arrival < from + seconds);
}

export const sizesOf = (machines: readonly Machine[]): Sizes => ({
  cores: machines.reduce((sum, each) => sum + each.cores, 0),
  memMiB: machines.reduce((sum, each) => sum + each.memMiB, 0),
});

/** Machines by whose batch they are, in the order of the trace. */
export const batchesOf = (machines: readonly Machine[]): readonly (readonly Machine[])[] =>
  groups(machines, ({ batch }) => batch);

/** Of some machines those that leave at the same second, together. */
export const leavingTogether = (machines: readonly Machine[]): readonly (readonly Machine[])[] =>
  groups(machines, ({ departure }) => departure);

function groups(machines: readonly Machine[], by: (machine: Machine) => number): readonly (readonly Machine[])[] {
  const found = new Map<number, Machine[]>();
  for (const machine of machines) {
    const group = found.get(by(machine));
    if (group === undefined) found.set(by(machine), [machine]);
    else group.push(machine);
  }
  return [...found.values()];
}

/** What all of them would have at once, at the most: who leaves at a second leaves before who arrives at it. */
export function peakOf(machines: readonly Machine[]): Sizes {
  const moves = machines
    .flatMap(({ arrival, departure, cores, memMiB }) => [
      { at: arrival, sign: 1, cores, memMiB },
      { at: departure, sign: -1, cores, memMiB },
    ])
    .toSorted((a, b) => (a.at === b.at ? a.sign - b.sign : a.at < b.at ? -1 : 1));
  const now = { cores: 0, memMiB: 0 };
  const peak = { cores: 0, memMiB: 0 };
  for (const { sign, cores, memMiB } of moves) {
    now.cores += sign * cores;
    now.memMiB += sign * memMiB;
    peak.cores = Math.max(peak.cores, now.cores);
    peak.memMiB = Math.max(peak.memMiB, now.memMiB);
  }
  return peak;
}
