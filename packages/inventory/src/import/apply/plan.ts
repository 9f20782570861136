import { problems, type ProblemCode } from '@sentral/contracts/problem';
import type { OwnResource, ResourceType } from '../change-set.js';

/** Why a row was left out, as it is stored beside it. */
export interface Refusal {
  readonly code: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

export function refusal(code: ProblemCode, detail: string): Refusal {
  const { title, status } = problems[code];
  return { code, title, status, detail };
}

/** One staged row on its way to a verdict. */
export interface Staged {
  readonly line: number;
  readonly op: 'upsert' | 'delete';
  readonly key: string;
  readonly ifMatch: number | undefined;
  readonly resource: OwnResource | undefined;
}

/** A resource of this source that lives in the database. */
export interface Known {
  readonly type: ResourceType;
  readonly id: string;
  readonly version: number;
  /** Of a node or number domain. */
  readonly kind?: string | undefined;
  /** Whom it is dedicated to. */
  readonly tenantId: string | null;
}

/** A row that is to be written, with the id it has or gets. */
export interface Planned {
  readonly line: number;
  readonly key: string;
  readonly id: string;
  readonly resource: OwnResource;
  readonly known: Known | undefined;
}

export interface KindRule {
  readonly category: string;
  readonly allowedParents: readonly string[] | null;
  readonly isConnectable: boolean;
}

/** What the rules need to know of things that are not in the set. */
export interface Surroundings {
  readonly kinds: ReadonlyMap<string, KindRule>;
  /** Keys that are registered. */
  readonly traits: ReadonlySet<string>;
  readonly classes: ReadonlySet<string>;
  /** Classes of nodes of the source of which something is used or booked, by node id. */
  readonly usedClasses: ReadonlyMap<string, readonly string[]>;
  /** Live blocks of the spaces that the set touches, all sources and owners. */
  readonly blocks: readonly {
    readonly id: string;
    readonly spaceId: string;
    readonly cidr: string;
    readonly parentId: string | null;
  }[];
  /** Hosts and numbers held by what neither changes nor goes. */
  readonly heldElsewhere: ReadonlySet<string>;
  /** Ports cabled by such edges. */
  readonly cabledElsewhere: ReadonlySet<string>;
  /** Half units taken by such things: `rackId/layer/face/half`. */
  readonly claimedElsewhere: ReadonlySet<string>;
  /** Up to which half unit such things stand, by rack. */
  readonly claimedTo: ReadonlyMap<string, number>;
  /** Ranges of numbers in the source's domains that neither change nor go. */
  readonly rangesElsewhere: readonly { readonly domainId: string; readonly start: number; readonly end: number }[];
  /** Device types that neither change nor go, as `typeKey` names them. */
  readonly typesElsewhere: ReadonlySet<string>;
  /** Racks of this source that are not in the set. */
  readonly racks: ReadonlyMap<string, RackShape>;
}

/** What only one living device type may be. */
export const typeKey = ({ manufacturer, slug }: { readonly manufacturer: string; readonly slug: string }): string =>
  `${manufacturer}/${slug}`;

export interface RackShape {
  readonly heightHalfUnits: number;
  readonly startingUnit: number;
}

/** Block tree at the end state: parent by block id, for every live block of the touched spaces. */
export type BlockParents = ReadonlyMap<string, { readonly id: string; readonly cidr: string } | null>;
