import { problem } from './problem.js';

export type Requirement =
  | { readonly op: 'exists' | 'absent'; readonly key: string }
  | { readonly op: 'in' | 'notin'; readonly key: string; readonly values: readonly string[] };

const requirementsMax = 10;
const key = '[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?';
const value = '[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?';
const presence = new RegExp(`^(!?)\\s*(${key})$`);
const equality = new RegExp(`^(${key})\\s*(!?)={1,2}\\s*(${value}|)$`);
const membership = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);

/**
 * Reads a label selector of the Kubernetes grammar.
 * @throws Problem unsupported-filter
 */
export function readSelector(selector: string): readonly Requirement[] {
  const parts = selector.split(/,(?![^()]*\))/).map((part) => part.trim());
  if (parts.length > requirementsMax) throw refused();
  return parts.map(readRequirement);
}

function readRequirement(part: string): Requirement {
  const present = presence.exec(part);
  if (present) return { op: present[1] === '!' ? 'absent' : 'exists', key: present[2] ?? '' };
  const equal = equality.exec(part);
  if (equal) return { op: equal[2] === '!' ? 'notin' : 'in', key: equal[1] ?? '', values: [equal[3] ?? ''] };
  const member = membership.exec(part);
  if (!member) throw refused();
  const values = (member[3] ?? '').split(',').map((each) => each.trim());
  if (values.some((each) => each !== '' && !new RegExp(`^${value}$`).test(each))) throw refused();
  return { op: member[2] === 'in' ? 'in' : 'notin', key: member[1] ?? '', values };
}

const refused = () => problem('unsupported-filter', { parameter: 'labelSelector' });
