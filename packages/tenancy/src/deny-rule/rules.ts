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
export function meets(rule: Pick<Rule, 'subjects' | 'exceptions'>, who: Who): boolean {
  const meant = rule.subjects === null || rule.subjects.some((subject) => names(subject, who));
  return meant && !rule.exceptions.some((subject) => names(subject, who));
}

/** What a rule forbids, and to whom. */
export interface Rule {
  readonly permissions: readonly string[];
  readonly subjects: readonly StoredSubject[] | null;
  readonly exceptions: readonly StoredSubject[];
}

/** Meets everyone there is, who edits it included: it binds nobody more than its author. */
export const isForEveryone = (rule: Rule): boolean => rule.subjects === null && rule.exceptions.length === 0;

/** What of a rule that met this principal would meet it no more; `after` is undefined when the rule goes. */
export function freedOf(before: Rule, after: Rule | undefined, who: Who): readonly string[] {
  if (!meets(before, who)) return [];
  if (after === undefined || !meets(after, who)) return before.permissions;
  return before.permissions.filter((permission) => !after.permissions.includes(permission));
}

/**
 * Nobody exempts itself (api.md B.4). Whom a rule meets may not end it, nor turn it into one that meets it less: another
 * one must, whom it does not meet. And nobody writes itself among the exceptions, unless it stood there before. One kind of
 * rule is free of the first: one for everyone, without exceptions, would be there for ever, so whoever may delete rules
 * may take it back, or a part of it, for everyone at once.
 */
export function exemptsItself(before: Rule | undefined, after: Rule | undefined, who: Who): boolean {
  const excepted = (rule: Rule | undefined) => rule?.exceptions.some((subject) => names(subject, who)) ?? false;
  if (excepted(after) && !excepted(before)) return true;
  if (before === undefined || freedOf(before, after, who).length === 0) return false;
  return !isForEveryone(before) || (after !== undefined && !isForEveryone(after));
}

/** Whoever is denied one of these cannot find a rule, or not end it. */
export const openingPermissions = ['tenancy.denyRule.read', 'tenancy.denyRule.delete'] as const;

/** Tells whether somebody who is to last can still end deny rules, with all these in force. */
export const someoneCanOpen = (holders: readonly Who[], closing: readonly Rule[]): boolean =>
  holders.some((who) => !closing.some((rule) => meets(rule, who)));
