import type { Clock, Random } from './random.js';

export interface Message<T> {
  readonly id: string;
  /** Commands of one operation replace one another while they wait. */
  readonly operation?: string;
  readonly body: T;
}

export interface Faults {
  readonly loss: number;
  readonly duplicate: number;
  /** Sentral's or a service's process ends, at each point where that makes a difference. */
  readonly crash: number;
}

/** Whether the message was acknowledged: what was not comes again. */
export type Take<T> = (body: T, id: string) => boolean;

/** The bus as it is at its worst: acknowledged messages get lost, come twice, late and out of order. */
export function busOf<T>(clock: Clock, random: Random, faults: Faults, take: Take<T>) {
  const seen = new Map<string, number>();
  const waiting = new Map<string, Message<T>>();
  const duplicateWindowMs = 600_000;
  const ackWaitMs = 30_000;

  function deliver(message: Message<T>, redelivery: boolean): void {
    const { operation } = message;
    if (operation !== undefined && waiting.get(operation) !== message) return;
    if (take(message.body, message.id)) {
      if (operation !== undefined && !redelivery) waiting.delete(operation);
    } else clock.after(ackWaitMs, () => deliver(message, redelivery));
  }

  return {
    publish(message: Message<T>): void {
      const last = seen.get(message.id);
      if (last !== undefined && clock.now() - last < duplicateWindowMs) return;
      seen.set(message.id, clock.now());
      if (message.operation !== undefined) waiting.set(message.operation, message);
      if (random.chance(faults.loss)) {
        if (message.operation !== undefined) waiting.delete(message.operation);
        return;
      }
      // Mostly at once; one in twenty takes its time and is overtaken.
      const delay = random.chance(0.05) ? random.between(1_000, 90_000) : random.between(1, 60);
      clock.after(delay, () => deliver(message, false));
      // The ack of a delivery got lost, so it comes again, whatever has replaced it since.
      if (random.chance(faults.duplicate)) {
        const again = { id: message.id, body: message.body };
        clock.after(delay + random.between(1, 60_000), () => deliver(again, true));
      }
    },
  };
}
