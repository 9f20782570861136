import * as v from 'valibot';
import { text } from '../api/common.js';
import { cidrSchema, hostSchema } from '../inventory/fields.js';
import { parseContent } from '../validation.js';

// What may be wished of the platform's resources. Each schema is its service's own: the service changes it here, Sentral checks
// what it is sent by it and otherwise hands it on unread. Strict, so that a misspelt wish is refused and not overlooked.

const hostname = v.pipe(
  v.string(),
  v.maxLength(63),
  v.regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be a host name like web-1'),
);
const flag = v.optional(v.boolean());
const countBetween = (low: number, high: number) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(low), v.maxValue(high));

/** Nett. */
export const networkSpecSchema = v.strictObject({
  /** Answers of DHCP on the network; on unless it is refused. */
  dhcp: flag,
  dnsServers: v.optional(v.pipe(v.array(hostSchema), v.maxLength(4))),
  /** Bytes of a frame without its header. */
  mtu: v.optional(countBetween(1280, 9216)),
  /** No way out. */
  isolated: flag,
});

/** Maskin. */
export const machineSpecSchema = v.strictObject({
  /** What it starts from, as Maskin names it. */
  image: text(1, 128),
  hostname: v.optional(hostname),
  /** Public keys in the form of an authorized_keys line. */
  sshKeys: v.optional(v.pipe(v.array(text(1, 4096)), v.maxLength(32))),
  /** Where the machine reads what it is told at its first start; never the text itself, which may hold secrets. */
  userDataRef: v.optional(text(1, 256)),
  /** Whether it is to run. */
  power: v.optional(v.picklist(['on', 'off'])),
});

/** Plattform. */
export const clusterSpecSchema = v.strictObject({
  /** Of the software, `1.33` or `1.33.2`. */
  version: v.pipe(v.string(), v.regex(/^\d{1,3}\.\d{1,3}(\.\d{1,3})?$/, 'must be a version like 1.33')),
  podCidr: v.optional(cidrSchema),
  serviceCidr: v.optional(cidrSchema),
  /** Every machine of a cluster starts from it. */
  machine: machineSpecSchema,
});

/** Objekt. */
export const bucketSpecSchema = v.strictObject({
  storageClass: v.optional(v.picklist(['standard', 'archive'])),
  versioning: flag,
  /** Objects cannot be changed or removed before so many days. */
  retentionDays: v.optional(countBetween(1, 3650)),
});

/** The resources of the platform: whose each is, and what may be wished of it. */
export const resources = {
  network: { service: 'nett', spec: networkSpecSchema },
  machine: { service: 'maskin', spec: machineSpecSchema },
  cluster: { service: 'plattform', spec: clusterSpecSchema },
  bucket: { service: 'objekt', spec: bucketSpecSchema },
} as const;
export type ResourceKind = keyof typeof resources;

/**
 * Reads what is wished of a resource, by the schema that its service has registered.
 * @throws Problem validation-failed
 */
export function readSpec<K extends ResourceKind>(
  kind: K,
  spec: unknown,
  under = '/spec',
): v.InferOutput<(typeof resources)[K]['spec']> {
  return parseContent<(typeof resources)[K]['spec']>(resources[kind].spec, spec, under);
}
