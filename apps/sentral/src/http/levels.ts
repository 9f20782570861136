import type { Permission } from '@sentral/contracts/access';

/** What came of a request, as far as the level of its record depends on it. */
export interface Outcome {
  readonly outcome: 'success' | 'denied' | 'failed' | 'unknown';
  readonly changes: boolean;
  readonly permission: Permission | null;
  /** The caller has broken the glass of a tenant. */
  readonly brokenGlass: boolean;
}

type Level = 'none' | 'metadata';

interface Rule {
  readonly when: Partial<Omit<Outcome, 'permission'>> & { readonly permission?: RegExp };
  readonly level: Level;
}

/** The first that matches decides. Changes that succeed are not among them: their context records them in full. */
const rules: readonly Rule[] = [
  { when: { outcome: 'denied' }, level: 'metadata' },
  { when: { outcome: 'success', changes: true }, level: 'none' },
  { when: { changes: true }, level: 'metadata' },
  {
    when: { outcome: 'success', permission: /^(audit\.(record|personal|log|export|legalHold)|tenancy\.token)\./ },
    level: 'metadata',
  },
  { when: { outcome: 'success', brokenGlass: true }, level: 'metadata' },
  { when: {}, level: 'none' },
];

/** How much of a request is put on record. */
export function levelOf(seen: Outcome): Level {
  const matching = rules.find(
    ({ when: { permission, ...same } }) =>
      Object.entries(same).every(([name, value]) => seen[name as keyof Outcome] === value) &&
      (permission === undefined || (seen.permission !== null && permission.test(seen.permission))),
  );
  return matching?.level ?? 'none';
}
