import type { Problem } from '@sentral/contracts/problem';
import { problem } from '@sentral/contracts/problem';
import type { ScopeKind } from '@sentral/contracts/contract';
import type { Scope } from '@sentral/contracts/tenancy/scope';

type State = Scope['state'];

const badness: Readonly<Record<State, number>> = { active: 0, suspended: 1, deleting: 2, deleted: 3 };

/** What counts is the worst of a scope and its ancestors. */
export function worstState(states: readonly State[]): State {
  return states.reduce<State>((worst, state) => (badness[state] > badness[worst] ? state : worst), 'active');
}

const parents = { tenant: 'platform', project: 'tenant', environment: 'project' } as const;

export interface Shape {
  readonly kind: keyof typeof parents;
  readonly parentKind: ScopeKind;
  readonly class?: string | undefined;
  readonly expiresAt?: string | undefined;
  readonly protected?: boolean | undefined;
  readonly owner?: unknown;
}

interface Fault {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

/** What a new scope of a kind must and must not say. */
export function faultsOfShape(shape: Shape): readonly Fault[] {
  const fault = (pointer: string, code: string, message: string): Fault => ({ pointer, code, message });
  const environment = shape.kind === 'environment';
  const faults: Fault[] = [];
  if (shape.parentKind !== parents[shape.kind])
    faults.push(fault('/parentId', 'wrong_parent', `a ${shape.kind} lies in a ${parents[shape.kind]}`));
  if (environment && shape.class === undefined) faults.push(fault('/class', 'missing', 'an environment has a class'));
  if (!environment && shape.class !== undefined) faults.push(fault('/class', 'not_here', 'only environments have one'));
  if (!environment && shape.protected !== undefined)
    faults.push(fault('/protected', 'not_here', 'only environments are protected'));
  const ephemeral = shape.class === 'ephemeral';
  if (ephemeral && shape.expiresAt === undefined)
    faults.push(fault('/expiresAt', 'missing', 'an ephemeral environment says when it ends'));
  if (!ephemeral && shape.expiresAt !== undefined)
    faults.push(fault('/expiresAt', 'not_here', 'only ephemeral environments end by themselves'));
  if (shape.kind !== 'tenant' && shape.owner !== undefined)
    faults.push(fault('/owner', 'not_here', 'only a tenant is made with an owner'));
  return faults;
}

const moves = {
  suspend: { from: ['active'], to: 'suspended' },
  resume: { from: ['suspended'], to: 'active' },
  restore: { from: ['deleted'], to: 'active' },
} as const;
export type Move = keyof typeof moves;

/** The state after a move, or the refusal of it. The platform has one state for ever. */
export function judgeMove(
  scope: { readonly kind: ScopeKind; readonly state: State },
  move: Move,
): { readonly ok: true; readonly state: State } | { readonly ok: false; readonly problem: Problem } {
  const { from, to } = moves[move];
  if (scope.kind !== 'platform' && (from as readonly State[]).includes(scope.state)) return { ok: true, state: to };
  const allowedStates = scope.kind === 'platform' ? [] : [...from];
  return { ok: false, problem: problem('state-conflict', { state: scope.state, allowedStates }) };
}

/** Which counters a scope of a kind counts in: of its tenant and, an environment, of its project. */
export function countersOf(scope: {
  readonly kind: ScopeKind;
  readonly tenantId: string | null;
  readonly projectId: string | null;
}): readonly { readonly scopeId: string; readonly dimension: string }[] {
  if (scope.tenantId === null) return [];
  if (scope.kind === 'project') return [{ scopeId: scope.tenantId, dimension: 'tenancy.projects' }];
  if (scope.kind !== 'environment' || scope.projectId === null) return [];
  return [
    { scopeId: scope.tenantId, dimension: 'tenancy.environments' },
    { scopeId: scope.projectId, dimension: 'tenancy.environments' },
  ];
}

/** A handle out of free text: what a source calls a tenant becomes a name that the tree takes. */
export function slugOf(text: string): string {
  const slug = text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[-0-9]+|-+$/g, '')
    .slice(0, 55)
    .replaceAll(/-+$/g, '');
  return slug === '' ? 'tenant' : slug;
}
