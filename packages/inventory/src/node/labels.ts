import type { Requirement } from '@sentral/contracts/label-selector';
import type { Query } from '../reading.js';

/** What a label selector asks of the labels of a row; never null. */
export const labelConditions = (q: Pick<Query, 'value'>, row: string, selector: readonly Requirement[]): string[] =>
  selector.map((requirement) => {
    const key = q.value(requirement.key);
    if (!('values' in requirement)) return `${requirement.op === 'absent' ? 'not ' : ''}${row}.labels ? ${key}::text`;
    const among = `${q.value(requirement.values)}::text[]`;
    return requirement.op === 'in'
      ? `coalesce(${row}.labels ->> ${key}::text = any(${among}), false)`
      : `coalesce(${row}.labels ->> ${key}::text <> all(${among}), true)`;
  });
