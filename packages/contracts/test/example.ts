import * as v from 'valibot';
import { nameSchema, versionSchema } from '../src/api/common.js';
import { defineContract, verb, type Caller, type Verbs } from '../src/contract.js';
import { idSchema } from '../src/ids.js';
import { problem } from '../src/problem.js';

export const example = defineContract({
  context: 'example',
  nouns: {
    book: {
      get: verb({
        summary: 'One book.',
        command: v.strictObject({ id: idSchema('nod') }),
        result: v.object({ id: idSchema('nod'), version: versionSchema }),
        refuses: ['not-found'],
        idempotent: true,
      }),
      write: verb({
        summary: 'Writes a book.',
        command: v.strictObject({ name: nameSchema, copies: v.optional(v.number(), 1) }),
        result: v.object({ name: v.string(), copies: v.number() }),
        refuses: ['already-exists'],
        idempotent: false,
      }),
    },
  },
});

export const bookId = 'nod_01h455vb4pex5vsknk084sn02q';

export const verbs: Verbs<typeof example> = {
  book: {
    get: async (_, { id }) => {
      if (id !== bookId) throw problem('not-found', { resourceType: 'book' });
      return { id, version: 1, shelf: 'grows later' };
    },
    write: async (_, { name, copies }) => {
      if (name === 'taken') throw problem('already-exists', { field: 'name' });
      if (name === 'unlisted') throw problem('quota-exceeded');
      if (name === 'broken') throw new Error('a bug with a secret in it');
      return { name, copies };
    },
  },
};

export const caller: Caller = {
  principal: { id: 'usr_01h455vb4pex5vsknk084sn02q', type: 'user' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [],
};
