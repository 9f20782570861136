import type { task } from '@sentral/contracts/task';
import type { GenericSchema, InferInput, InferOutput } from 'valibot';

type Nouns = (typeof task)['nouns'];

/** A command as the contract's boundary hands it over: checked, with its defaults. */
export type Command<N extends keyof Nouns, V extends keyof Nouns[N]> = Nouns[N][V] extends {
  command: infer S extends GenericSchema;
}
  ? InferOutput<S>
  : never;

/** What a verb answers. */
export type Result<N extends keyof Nouns, V extends keyof Nouns[N]> = Nouns[N][V] extends {
  result: infer S extends GenericSchema;
}
  ? InferInput<S>
  : never;
