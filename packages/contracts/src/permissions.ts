const crud = ['read', 'create', 'update', 'delete'] as const;
const lifecycle = ['suspend', 'resume', 'restore'] as const;

/**
 * The permission registry: context → noun → where its things lie and what may be done to them. `read` covers list.
 * - `platform`: things of the platform; only a grant on the platform reaches them.
 * - `tenant`: the tenant itself and what is kept of it as a whole, which a grant on the platform reaches too.
 * - `scope`: things that lie in a scope; a grant on the platform reaches those of the platform itself and nothing
 *   inside a tenant.
 * - `child`: limits. Nobody moves its own: changing one takes a grant above the scope that it binds, so a tenant's own is
 *   the platform's to move, a project's is the tenant's. Reading is as with `tenant`.
 */
export const permissionRegistry = {
  tenancy: {
    platform: { on: 'platform', verbs: ['read'] },
    tenant: { on: 'tenant', verbs: [...crud, ...lifecycle, 'breakGlass'] },
    project: { on: 'scope', verbs: [...crud, ...lifecycle] },
    environment: { on: 'scope', verbs: [...crud, ...lifecycle, 'empty'] },
    policy: { on: 'scope', verbs: ['read', 'update', 'simulate'] },
    exemption: { on: 'scope', verbs: crud },
    quota: { on: 'child', verbs: crud },
    usage: { on: 'scope', verbs: ['read'] },
    hold: { on: 'scope', verbs: crud },
    access: { on: 'scope', verbs: ['explain'] },
    // `grantOwner` is what sets an owner apart from an admin: bindings of owners are made and ended by owners alone.
    roleBinding: { on: 'scope', verbs: [...crud, 'grantOwner'] },
    denyRule: { on: 'scope', verbs: crud },
    serviceAccount: { on: 'scope', verbs: crud },
    token: { on: 'scope', verbs: ['read', 'create', 'delete', 'rotate'] },
    user: { on: 'platform', verbs: ['read', 'create', 'update', 'disable', 'enable', 'erase'] },
  },
  inventory: {
    kind: { on: 'platform', verbs: crud },
    resourceClass: { on: 'platform', verbs: crud },
    trait: { on: 'platform', verbs: crud },
    node: { on: 'platform', verbs: [...crud, 'reshape', 'clean'] },
    capacity: { on: 'platform', verbs: crud },
    edge: { on: 'platform', verbs: crud },
    pool: { on: 'platform', verbs: crud },
    addressSpace: { on: 'platform', verbs: crud },
    addressBlock: { on: 'platform', verbs: crud },
    address: { on: 'platform', verbs: crud },
    numberDomain: { on: 'platform', verbs: crud },
    numberRange: { on: 'platform', verbs: crud },
    placement: { on: 'scope', verbs: ['create'] },
    allocation: { on: 'scope', verbs: ['read', 'create', 'update', 'confirm', 'renew', 'release'] },
    refusal: { on: 'scope', verbs: ['read'] },
    import: { on: 'platform', verbs: ['read', 'create', 'cancel'] },
    observation: { on: 'platform', verbs: ['read', 'create'] },
    finding: { on: 'tenant', verbs: ['read', 'accept', 'repair', 'resolve'] },
    network: { on: 'scope', verbs: crud },
    machine: { on: 'scope', verbs: crud },
    cluster: { on: 'scope', verbs: crud },
    bucket: { on: 'scope', verbs: crud },
  },
  task: {
    task: {
      on: 'scope',
      verbs: ['read', 'cancel', 'hold', 'resume', 'approve', 'retry', 'unwind', 'waive', 'abandon', 'signal'],
    },
    workflow: { on: 'platform', verbs: ['read'] },
    schedule: { on: 'scope', verbs: crud },
    finding: { on: 'platform', verbs: ['read', 'accept', 'resolve'] },
    serviceGate: { on: 'platform', verbs: ['read', 'pause', 'resume'] },
    deadLetter: { on: 'platform', verbs: ['read', 'requeue', 'discard'] },
  },
  audit: {
    record: { on: 'scope', verbs: ['read'] },
    // Who somebody was and where it came from, sealed beside the record.
    personal: { on: 'scope', verbs: ['read'] },
    redaction: { on: 'platform', verbs: ['create'] },
    log: { on: 'scope', verbs: ['read'] },
    integrity: { on: 'platform', verbs: ['read', 'count'] },
    export: { on: 'scope', verbs: ['read', 'create', 'delete'] },
    legalHold: { on: 'scope', verbs: crud },
    event: { on: 'scope', verbs: ['read'] },
  },
  system: {
    diagnostics: { on: 'platform', verbs: ['read'] },
    invariant: { on: 'platform', verbs: ['read'] },
  },
} as const satisfies Registry;

export type Reach = 'platform' | 'tenant' | 'scope' | 'child';
type Registry = {
  readonly [context: string]: {
    readonly [noun: string]: { readonly on: Reach; readonly verbs: readonly string[] };
  };
};

type R = typeof permissionRegistry;
type OfNoun<C extends string, N extends string, D> = D extends { readonly verbs: readonly (infer V extends string)[] }
  ? `${C}.${N}.${V}`
  : never;
type OfContext<C extends string, D> = { [N in keyof D & string]: OfNoun<C, N, D[N]> }[keyof D & string];

/** `<context>.<noun>.<verb>`, one of the registry. */
export type Permission = { [C in keyof R]: OfContext<C, R[C]> }[keyof R];

const reaches = new Map<string, Reach>(
  Object.entries(permissionRegistry as Registry).flatMap(([context, nouns]) =>
    Object.entries(nouns).flatMap(([noun, { on, verbs }]) =>
      verbs.map((name) => [`${context}.${noun}.${name}`, on] as const),
    ),
  ),
);

/** Every permission there is, in the registry's order. */
export const permissions: readonly Permission[] = [...reaches.keys()] as Permission[];

/** Where the things lie that a permission is about; undefined for text that is not a permission. */
export function reachOf(permission: string): Reach | undefined {
  return reaches.get(permission);
}

/** Tells whether text is a permission of the registry. */
export function isPermission(text: string): text is Permission {
  return reaches.has(text);
}
