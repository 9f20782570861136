import * as v from 'valibot';
import { amountSchema } from '../../inventory/capacity.js';
import { bucketSpecSchema } from '../../services/specs.js';
import { making, placeSchema, resourceRoutes, shownResource } from './shape.js';

const size = {
  /** GiB that it may hold: taken of the class `diskGib`. */
  sizeGib: amountSchema,
};

/** What is asked of a bucket. */
export const bucketBodySchema = making({
  ...size,
  place: v.optional(placeSchema, {}),
  /** What Objekt is to make of it. */
  spec: v.optional(bucketSpecSchema, {}),
});
export type BucketBody = v.InferOutput<typeof bucketBodySchema>;

export const bucketSchema = shownResource('bucket', 'bkt', { ...size, spec: bucketSpecSchema });

const of = resourceRoutes({
  name: 'Bucket',
  collection: 'buckets',
  prefix: 'bkt',
  permission: (verb) => `inventory.bucket.${verb}`,
  body: bucketBodySchema,
  shown: bucketSchema,
});

/** Object storage, made by Objekt of capacity. */
export const bucketRoutes = {
  createBucket: of.create,
  listBucketsOfEnvironment: of.listIn,
  listBuckets: of.list,
  getBucket: of.get,
  deleteBucket: of.remove,
} as const;
