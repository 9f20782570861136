import { existsSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gauge, type Family } from './exposition.js';

const loopResolutionMs = 10;

/** The process itself, under the names that dashboards for Node know. */
export function processFamilies(mode: string): readonly Family[] {
  const one = (name: string, help: string, value: () => number) => gauge(name, help, () => [{ value: value() }]);
  const version = versionHere();
  return [
    gauge(
      'process_cpu_seconds_total',
      'User and system time spent.',
      () => {
        const { user, system } = process.cpuUsage();
        return [{ value: (user + system) / 1e6 }];
      },
      'counter',
    ),
    one(
      'process_start_time_seconds',
      'When the process began, in seconds since 1970.',
      () => performance.timeOrigin / 1000,
    ),
    one('process_uptime_seconds', 'How long the process has been up.', () => process.uptime()),
    one('process_resident_memory_bytes', 'Memory that the process holds.', () => process.memoryUsage.rss()),
    one('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed),
    one('nodejs_heap_size_total_bytes', 'Heap taken from the system.', () => process.memoryUsage().heapTotal),
    one('nodejs_external_memory_bytes', 'Memory of buffers beside the heap.', () => process.memoryUsage().external),
    loopDelay(),
    gauge('sentral_build_info', 'Always 1; the labels say what runs.', () => [
      { labels: { version, node: process.versions.node, mode }, value: 1 },
    ]),
  ];
}

/** Of the package that this file lies in, whether it runs as it was written or as it was built. */
export function versionHere(): string {
  let at = new URL('./package.json', import.meta.url);
  while (!existsSync(at)) {
    const above = new URL('../package.json', at);
    if (above.href === at.href) return 'unknown';
    at = above;
  }
  return (JSON.parse(readFileSync(at, 'utf8')) as { version: string }).version;
}

function loopDelay(): Family {
  const delays = monitorEventLoopDelay({ resolution: loopResolutionMs });
  delays.enable();
  return gauge('nodejs_eventloop_delay_seconds', 'How late timers ran since the last scrape.', () => {
    // The watcher is a timer too: what it waits for on purpose is no delay.
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - loopResolutionMs / 1e3);
    const samples = delays.count === 0 ? [0, 0, 0] : [delays.percentile(50), delays.percentile(99), delays.max];
    delays.reset();
    return ['p50', 'p99', 'max'].map((stat, at) => ({ labels: { stat }, value: late(samples[at] ?? 0) }));
  });
}
