import { bucketBodySchema, bucketSchema } from '@sentral/contracts/api/platform/buckets';
import * as v from 'valibot';
import { asked, doing, platformResource } from './platform-resource.js';

/** Capacity of storage, and Objekt, which makes a bucket of it. */
export const bucket = platformResource({
  kind: 'bucket',
  prefix: 'bkt',
  body: bucketBodySchema,
  wanted: v.pick(bucketSchema, ['sizeGib', 'spec']),
  keeps: ({ sizeGib, spec }) => ({ sizeGib, spec }),
  holds: ({ sizeGib, place }) => [
    {
      item: {
        what: 'place',
        groups: [],
        sameSubtree: [],
        ...place,
        resources: [{ class: 'diskGib', amount: sizeGib }],
        count: 1,
      },
      at: '/place',
    },
  ],
  make: ({ id, held }) => [
    doing('bucket', 'objekt', 'bucket.create', {
      input: {
        bucketId: id,
        name: asked('name'),
        sizeGib: asked('wanted/sizeGib'),
        spec: asked('wanted/spec'),
        fence: held.items[0]?.fence ?? 0,
      },
      undo: { action: 'bucket.delete', input: { bucketId: id } },
    }),
  ],
  unmake: (id) => [doing('bucket', 'objekt', 'bucket.delete', { input: { bucketId: id }, undo: 'none' })],
});
