import type { ResourceKind } from '@sentral/contracts/services/specs';
import type { Json } from '@sentral/task';

/** What one of each kind is asked for with, what it is given, and what its services answer, by the action or the step. */
interface Fixture {
  readonly body: object;
  readonly items: readonly object[];
  readonly outputs: Readonly<Record<string, Json>>;
  /** What its removal knows besides. */
  readonly removing?: Readonly<Record<string, Json>>;
}

export const fixtures: { readonly [K in ResourceKind]?: Fixture } = {
  bucket: {
    body: { sizeGib: 10, spec: { versioning: true } },
    items: [{ what: 'capacity', nodeId: 'nod_01jz0000000000000000000000', fence: 7 }],
    outputs: {
      'bucket.create': { bucketId: 'bkt_01jz0000000000000000000000', endpoint: 'https://b.objects.example' },
    },
  },
};
