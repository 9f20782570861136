import * as v from 'valibot';
import { reasonSchema, timeSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { serviceSchema } from '../services/message.js';

/** Whether anything is sent to a service; what it answers counts either way. */
export const serviceGateSchema = v.object({
  service: serviceSchema,
  type: v.literal('serviceGate'),
  paused: v.boolean(),
  note: v.optional(v.string()),
  changedAt: timeSchema,
  changedBy: v.optional(v.object({ type: v.string(), id: v.string() })),
  replayed: v.optional(v.literal(true)),
});
export type ServiceGate = v.InferOutput<typeof serviceGateSchema>;

const moving = v.strictObject({ service: serviceSchema, note: v.optional(reasonSchema) });

export const serviceGate = {
  list: verb({
    summary: 'The gates that were ever moved; every other one is open.',
    command: v.strictObject({}),
    result: v.object({ items: v.array(serviceGateSchema) }),
    refuses: ['permission-denied'],
    idempotent: true,
  }),
  pause: verb({
    summary: 'Sends nothing more to a service until its gate is opened again.',
    command: moving,
    result: serviceGateSchema,
    refuses: ['permission-denied'],
    idempotent: true,
  }),
  resume: verb({
    summary: 'Opens the gate: what waited for it goes out.',
    command: moving,
    result: serviceGateSchema,
    refuses: ['permission-denied'],
    idempotent: true,
  }),
} as const;
