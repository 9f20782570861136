import * as v from 'valibot';
import { countSchema, pageFields, pageOf, timeSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { hashSchema } from './record.js';

export const auditLogSchema = v.object({
  id: idSchema('log'),
  /** `heads` is the log of the heads of all others, which is signed. */
  kind: v.picklist(['tenant', 'platform', 'heads']),
  tenantId: v.optional(idSchema('tnt')),
  /** Its name in checkpoints, for ever. */
  origin: v.string(),
  /** How many records it has. */
  size: countSchema,
  /** From this place on every record is there; of what lies before it, months have been dropped. */
  floor: countSchema,
});

/** The head of a log as it was taken, and the signed note that vouches for it. */
export const checkpointSchema = v.object({
  size: countSchema,
  root: hashSchema,
  takenAt: timeSchema,
  /** Its place in the log of heads; the leaf there is the hash of the unsigned checkpoint (origin, size, root). */
  index: countSchema,
  /** Absent until the next note is signed. */
  signed: v.optional(
    v.object({
      /** A note in the format of C2SP, of the log of heads; /audit-note opens it. */
      note: v.string(),
      signedAt: timeSchema,
      treeSize: countSchema,
      /** That the head stands in the tree of this note. */
      hashes: v.array(hashSchema),
    }),
  ),
});

const list = verb({
  summary: 'Logs that the caller may see: of each tenant one, and the platform’s.',
  command: v.strictObject({ tenantId: v.optional(idSchema('tnt')), ...pageFields }),
  result: pageOf(auditLogSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

const get = verb({
  summary: 'One log.',
  command: v.strictObject({ id: idSchema('log') }),
  result: auditLogSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const checkpoints = verb({
  summary: 'Heads of a log, the newest first, each with the signed note that vouches for it.',
  command: v.strictObject({ id: idSchema('log'), ...pageFields }),
  result: pageOf(checkpointSchema),
  refuses: ['not-found', 'invalid-cursor'],
  idempotent: true,
});

const consistency = verb({
  summary: 'What shows that one tree of a log is the beginning of another (RFC 6962 2.1.2); /audit-proof verifies it.',
  command: v.strictObject({
    id: idSchema('log'),
    from: countSchema,
    /** The whole log unless told. */
    to: v.optional(countSchema),
  }),
  result: v.object({
    logId: idSchema('log'),
    from: countSchema,
    to: countSchema,
    fromRoot: hashSchema,
    toRoot: hashSchema,
    hashes: v.array(hashSchema),
  }),
  refuses: ['not-found', 'invalid-parameter'],
  idempotent: true,
});

export const logVerbs = { list, get, checkpoints, consistency } as const;
