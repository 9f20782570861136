import { policyDefinitions, type PolicyDefinition } from '@sentral/contracts/policy';
import { problem } from '@sentral/contracts/problem';
import * as v from 'valibot';
import type { Command } from '../command.js';

export type WantedBinding = Command<'policy', 'set'>['bindings'][number];

const bytesMax = 256 * 1024;

/**
 * Bindings as they may be stored: each key once, each value as its definition says.
 * @throws Problem validation-failed
 */
export function readBindings(wanted: readonly WantedBinding[]): readonly WantedBinding[] {
  const errors = wanted.flatMap(({ key, value }, at) => {
    if (wanted.findIndex((other) => other.key === key) !== at)
      return [{ pointer: `/bindings/${at}/key`, code: 'repeated', message: `${key} is bound twice` }];
    const { schema }: PolicyDefinition = policyDefinitions[key];
    const parsed = v.safeParse(schema, value);
    return parsed.success
      ? []
      : [{ pointer: `/bindings/${at}/value`, code: 'wrong_value', message: v.summarize(parsed.issues).slice(0, 500) }];
  });
  if (errors.length === 0 && JSON.stringify(wanted).length > bytesMax)
    errors.push({ pointer: '/bindings', code: 'too_large', message: `must be at most ${bytesMax} bytes in all` });
  if (errors.length > 0) throw problem('validation-failed', { errors });
  return wanted;
}
