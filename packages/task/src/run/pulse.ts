/** What a commit has made work for. */
export type Wake = 'outbox' | 'admission' | 'authorization' | 'scan' | 'children';

/** How verbs and loops of one process wake each other; between processes the polls do. */
export interface Pulse {
  beat(what: Wake): void;
  on(what: Wake, wake: () => void): void;
  /** A task has a new version, by its uuid: for who waits for that one. */
  moved(taskId: string): void;
  onMoved(listener: (taskId: string) => void): void;
}

export function createPulse(): Pulse {
  const listeners = new Map<Wake, (() => void)[]>();
  const movedListeners: ((taskId: string) => void)[] = [];
  return {
    moved: (taskId) => {
      for (const listener of movedListeners) listener(taskId);
    },
    onMoved: (listener) => void movedListeners.push(listener),
    beat: (what) => {
      for (const wake of listeners.get(what) ?? []) wake();
    },
    on: (what, wake) => void listeners.set(what, [...(listeners.get(what) ?? []), wake]),
  };
}
