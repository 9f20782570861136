import type { Implements } from '../contract.js';
import type { Id } from '../ids.js';
import { encodeId } from '../ids.js';
import { sourcesMax } from '../inventory/observation.js';
import { inventory } from '../inventory/index.js';
import { conformance, type Kit } from './kit.js';

type Inventory = Implements<typeof inventory>;

/** So many seconds after a moment that lies well behind every clock. */
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();

async function server(subject: Inventory, kit: Kit, attributes: Record<string, unknown> = { cpus: 2 }) {
  return subject.node.register(kit.caller(), { kind: 'server', name: kit.name('server'), attributes });
}

/** What one source says of one node. */
const saying = (subject: Inventory, kit: Kit, nodeId: Id<'nod'>) => {
  const source = kit.name('scan');
  return async (
    seconds: number,
    seen: { generation?: number; attributes?: Record<string, unknown>; state?: 'absent' | 'available' },
  ) => {
    const { generation = 1, ...told } = seen;
    const sighting = { nodeId, observedAt: at(seconds), generation, ...told };
    const { items } = await subject.observation.report(kit.caller(), { source, sightings: [sighting] });
    return items[0] ?? { outcome: 'full' as const };
  };
};

/** What holds for what sources see, and for what is found by it. */
export const findingCases = conformance(inventory, [
  {
    title: 'a difference is suspect when it is seen and open when it is seen again a minute later, and gone when it is',
    async run(subject, kit) {
      const node = await server(subject, kit);
      const say = saying(subject, kit, node.id);
      const first = await say(0, { attributes: { cpus: 1 } });
      kit.equals(
        [first.outcome, first.finding?.state, first.finding?.kind],
        ['taken', 'suspect', 'drift'],
        'seen once',
      );
      kit.equals((await say(30, { attributes: { cpus: 1 } })).finding?.state, 'suspect', 'seen again too soon');
      kit.equals((await say(61, { attributes: { cpus: 1 } })).finding?.state, 'open', 'seen again');
      const id = first.finding?.id ?? encodeId('fnd', '01900000-0000-7000-8000-000000000000');
      const open = await subject.finding.get(kit.caller(), { id });
      kit.equals(
        [open.version, open.sightings, open.firstSeenAt, open.lastSeenAt, open.differences],
        [2, 3, at(0), at(61), [{ field: '/attributes/cpus', expected: 2, observed: 1 }]],
        'what is known of it',
      );
      kit.equals((await say(90, { state: 'available' })).finding?.state, 'open', 'what was not looked at is not gone');
      kit.equals((await say(120, { attributes: { cpus: 2 } })).finding?.state, 'resolved', 'seen as intended');
      const gone = await subject.finding.get(kit.caller(), { id });
      kit.equals([gone.state, gone.resolution], ['resolved', 'agreed'], 'how it ended');
      const fresh = await say(150, { attributes: { cpus: 3 } });
      kit.holds(fresh.finding !== undefined && fresh.finding.id !== id, 'seen again it is another finding');
      const seen = await subject.node.get(kit.caller(), { id: node.id });
      kit.equals([seen.observedAt, seen.version], [at(150), 1], 'the node was seen and did not change');
    },
  },
  {
    title: 'another generation begins the count again, and a late or repeated sighting changes nothing',
    async run(subject, kit) {
      const node = await server(subject, kit);
      const say = saying(subject, kit, node.id);
      await say(0, { attributes: { cpus: 1 } });
      const other = await say(100, { attributes: { cpus: 1 }, generation: 2 });
      kit.equals(other.finding?.state, 'suspect', 'one sighting of the second generation');
      const before = await subject.finding.list(kit.caller(), { nodeId: node.id });
      kit.equals((await say(100, { attributes: { cpus: 7 }, generation: 2 })).outcome, 'stale', 'the same time');
      kit.equals((await say(50, { attributes: { cpus: 2 }, generation: 2 })).outcome, 'stale', 'a time before');
      kit.equals((await subject.finding.list(kit.caller(), { nodeId: node.id })).items, before.items, 'the findings');
      kit.equals((await say(160, { attributes: { cpus: 1 }, generation: 2 })).finding?.state, 'open', 'seen twice');
    },
  },
  {
    title: 'what is not there is missing, what nobody knows is foreign, and each ends when it is as intended',
    async run(subject, kit) {
      const node = await server(subject, kit);
      const say = saying(subject, kit, node.id);
      kit.equals((await say(0, { state: 'absent' })).finding?.kind, 'missing', 'a server that is not there');
      kit.equals((await say(10, { state: 'available' })).finding?.state, 'resolved', 'it is back');
      const source = kit.name('scan');
      const tell = async (seconds: number, state?: 'absent') =>
        (
          await subject.observation.report(kit.caller(), {
            source,
            sightings: [{ externalId: 'box-7', observedAt: at(seconds), generation: 1, ...(state ? { state } : {}) }],
          })
        ).items[0];
      const box = await tell(0);
      kit.equals([box?.outcome, box?.finding?.kind], ['unknown', 'foreign'], 'a box that nobody knows');
      kit.equals((await tell(60))?.finding?.state, 'open', 'seen twice');
      const known = { kind: 'server', externalIds: [{ source, externalId: 'box-7' }] };
      const { id: nodeId } = await subject.node.register(kit.caller(), known);
      const after = await tell(120);
      kit.equals([after?.outcome, after?.nodeId, after?.finding], ['taken', nodeId, undefined], 'known by now');
      kit.equals((await subject.finding.list(kit.caller(), { source })).items, [], 'nothing is left of it');
      await subject.node.retire(kit.caller(), { id: nodeId });
      kit.equals((await tell(180))?.finding?.kind, 'foreign', 'what was retired and is there');
      kit.equals((await tell(240, 'absent'))?.finding?.state, 'resolved', 'and is not there any more');
    },
  },
  {
    title:
      'an accepted difference stays so until it differs otherwise, and what is repaired is open again if it still differs',
    async run(subject, kit) {
      const node = await server(subject, kit);
      const say = saying(subject, kit, node.id);
      const { finding } = await say(0, { attributes: { cpus: 1 } });
      const id = finding?.id ?? encodeId('fnd', '01900000-0000-7000-8000-000000000000');
      const caller = kit.caller();
      await kit.refuses('state-conflict', subject.finding.repair(caller, { id }));
      await kit.refuses('version-mismatch', subject.finding.accept(caller, { id, version: 7, note: 'known' }));
      const accepted = await subject.finding.accept(caller, { id, version: 1, note: 'known' });
      kit.equals(
        [accepted.state, accepted.note, accepted.decidedBy?.id],
        ['accepted', 'known', caller.principal.id],
        'accepted',
      );
      kit.equals((await say(100, { attributes: { cpus: 1 }, generation: 2 })).finding?.state, 'accepted', 'the same');
      kit.equals((await say(200, { attributes: { cpus: 5 }, generation: 3 })).finding?.state, 'suspect', 'another');
      kit.equals((await say(260, { attributes: { cpus: 5 }, generation: 3 })).finding?.state, 'open', 'twice');
      const taskId = encodeId('tsk', '01900000-0000-7000-8000-000000000001');
      kit.equals((await subject.finding.repair(caller, { id, taskId })).taskId, taskId, 'who repairs it');
      kit.equals((await say(300, { attributes: { cpus: 5 }, generation: 3 })).finding?.state, 'repairing', 'not yet');
      kit.equals((await say(330, { attributes: { cpus: 6 }, generation: 4 })).finding?.state, 'open', 'in vain');
      const ended = await subject.finding.resolve(caller, { id, note: 'sold' });
      kit.equals([ended.state, ended.resolution], ['resolved', 'decided'], 'ended by hand');
      await kit.refuses('state-conflict', subject.finding.accept(caller, { id, note: 'late' }));
      const listed = async (states: ('resolved' | 'open')[] | undefined) =>
        (await subject.finding.list(caller, { nodeId: node.id, state: states })).items.length;
      kit.equals([await listed(undefined), await listed(['resolved']), await listed(['open'])], [0, 1, 0], 'in lists');
    },
  },
  {
    title: 'who compares for itself reports what differs, and that it does no longer',
    async run(subject, kit) {
      const source = kit.name('nett');
      const tell = async (seconds: number, kind?: 'orphan' | 'drift') => {
        const sighting = { resource: 'network-1', observedAt: at(seconds), generation: 4, kind };
        const { items } = await subject.finding.report(kit.caller(), {
          source,
          sightings: [sighting, { ...sighting, resource: 'network-2', kind: undefined }],
        });
        return items;
      };
      kit.equals(
        (await tell(0, 'orphan')).map((it) => it.finding?.state),
        ['suspect', undefined],
        'one of two',
      );
      kit.equals((await tell(60, 'orphan'))[0]?.finding?.state, 'open', 'seen twice');
      kit.equals((await tell(60))[0]?.finding?.state, 'open', 'of the same pass');
      const resolved = (await tell(120))[0]?.finding;
      kit.equals([resolved?.state, resolved?.kind, resolved?.version], ['resolved', 'orphan', 3], 'gone');
      const ahead = { resource: 'x', observedAt: new Date(Date.now() + 3_600_000).toISOString(), generation: 1 };
      await kit.refuses('validation-failed', subject.finding.report(kit.caller(), { source, sightings: [ahead] }));
      const nodeId = encodeId('nod', '01900000-0000-7000-8000-ffffffffffff');
      const unknown = { resource: 'y', observedAt: at(0), generation: 1, kind: 'missing' as const, nodeId };
      await kit.refuses('reference-not-found', subject.finding.report(kit.caller(), { source, sightings: [unknown] }));
    },
  },
  {
    title:
      'of a node as many sources may tell as are allowed, a node that is not there by nobody, and a trial leaves nothing',
    async run(subject, kit) {
      const { id: nodeId } = await server(subject, kit);
      const sighting = { nodeId, observedAt: at(0), generation: 1, attributes: { cpus: 9 } };
      const stem = kit.name('s');
      const tell = async (n: number, dryRun = false) =>
        (await subject.observation.report(kit.caller({ dryRun }), { source: `${stem}-${n}`, sightings: [sighting] }))
          .items[0];
      kit.equals((await tell(0, true))?.finding?.state, 'suspect', 'what it would be');
      kit.equals((await subject.finding.list(kit.caller(), { nodeId })).items, [], 'no trace of the trial');
      for (let n = 0; n < sourcesMax; n += 1) kit.equals((await tell(n))?.outcome, 'taken', `source ${n}`);
      kit.equals(await tell(sourcesMax), { outcome: 'full', nodeId }, 'one more');
      kit.equals((await subject.observation.list(kit.caller(), { nodeId })).items.length, sourcesMax, 'all of them');
      const nobody = encodeId('nod', '01900000-0000-7000-8000-ffffffffffff');
      const missing = await kit.refuses(
        'reference-not-found',
        subject.observation.report(kit.caller(), {
          source: stem,
          sightings: [sighting, { ...sighting, nodeId: nobody }],
        }),
      );
      kit.equals(missing.facts['pointer'], '/sightings/1/nodeId', 'which one');
      const platform = kit.caller({ readScope: { tenantIds: [], projectIds: [], environmentIds: [], platform: true } });
      await kit.refuses(
        'permission-denied',
        subject.observation.report(platform, { source: stem, sightings: [sighting] }),
      );
    },
  },
]);
