import { summed, type Measured } from './load.js';

/** So many at once, until the time is over; those under way are waited for. */
export interface FlightOrder {
  readonly inFlight: number;
  readonly seconds: number;
}

/** Does `one` again and again, so many at once. */
export async function flight(one: () => Promise<void>, { inFlight, seconds }: FlightOrder): Promise<Measured> {
  const latencies: number[] = [];
  const failures: string[] = [];
  const from = performance.now();
  const worker = async () => {
    while (performance.now() - from < seconds * 1_000) {
      const begun = performance.now();
      try {
        await one();
        latencies.push(performance.now() - begun);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return summed({
    done: latencies.length,
    refused: 0,
    failed: failures.length,
    failures: failures.slice(0, 3),
    seconds: (performance.now() - from) / 1_000,
    latencies,
  });
}
