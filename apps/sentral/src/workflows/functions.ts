import { encodeId, parseId, type Id } from '@sentral/contracts/ids';
import type { Standing } from '@sentral/contracts/services/registry';
import type { Functions } from '@sentral/task';
import { removes, type PlatformResource, type Removing } from './platform-resource.js';
import { platformResources } from './resources.js';

/** What workflows have computed by the service `sentral`: a step may only hand on what steps before it have answered. */
export const functions: Functions = {
  'removals.plan': ({ resources }) => {
    const parts = new Set(resources.flatMap((each) => partsOf(each)));
    const wholes = resources.filter((each) => !parts.has(parseId(each.id).uuid));
    const tasks = (of: readonly Standing[]) =>
      of.map((each) => ({ kind: removes(each), input: removalOf(each, resources) }));
    return {
      first: tasks(wholes.filter(({ kind }) => kind !== 'network')),
      last: tasks(wholes.filter(({ kind }) => kind === 'network')),
    };
  },
};

const defOf = (kind: Standing['kind']): PlatformResource => {
  const def = platformResources.find((each) => each.kind === kind);
  if (def === undefined) throw new TypeError(`nobody knows how a ${kind} is removed`);
  return def;
};

const partsOf = ({ kind, wanted }: Standing): readonly string[] =>
  (defOf(kind).parts?.ids(wanted) ?? []).map((id: Id) => parseId(id).uuid);

function removalOf(of: Standing, all: readonly Standing[]): Removing {
  const { kind, id, name, state, allocationId } = of;
  const def = defOf(kind);
  const named = ({ uuid }: { uuid: string }, as: PlatformResource) => encodeId(as.prefix, uuid);
  const input = { id: named(parseId(id), def), name, state, allocationId };
  if (def.parts === undefined) return input;
  const { of: partDef } = def.parts;
  const parts = partsOf(of).flatMap((uuid) => {
    const part = all.find((each) => parseId(each.id).uuid === uuid);
    return part === undefined ? [] : [{ id: named({ uuid }, partDef), name: part.name, state: part.state }];
  });
  return { ...input, parts };
}
