import type { GroupRef } from '@sentral/contracts/contract';
import type { Subject } from '@sentral/contracts/tenancy/fields';

/** A subject as the table keeps it: as on the wire. */
export type StoredSubject = Subject;

/** Who is asked about: its id on the wire, and the groups that its credential names. */
export interface Who {
  readonly id: string;
  readonly groups: readonly GroupRef[];
}

/** Tells whether a subject names this principal. */
export function names(subject: StoredSubject, who: Who): boolean {
  if (subject.type !== 'group') return subject.id === who.id;
  return who.groups.some((group) => group.issuer === subject.issuer && group.name === subject.name);
}

/** A rule meets whom its subjects name, or everyone when it names none, but for its exceptions. */
export function meets(
  rule: { readonly subjects: readonly StoredSubject[] | null; readonly exceptions: readonly StoredSubject[] },
  who: Who,
): boolean {
  const meant = rule.subjects === null || rule.subjects.some((subject) => names(subject, who));
  return meant && !rule.exceptions.some((subject) => names(subject, who));
}

type Rule = Parameters<typeof meets>[0];

/**
 * Nobody exempts itself: whom a rule meets may not turn it into one that does not. `before` is undefined for a new rule,
 * which would meet everyone whom its subjects name.
 */
export function exemptsItself(before: Rule | undefined, after: Rule, who: Who): boolean {
  const was = before ?? { subjects: after.subjects, exceptions: [] };
  return meets(was, who) && !meets(after, who);
}
