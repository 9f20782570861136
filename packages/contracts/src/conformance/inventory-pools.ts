import { inventory } from '../inventory/index.js';
import { conformance } from './kit.js';

/** What holds for address spaces and number domains, besides who is given what. */
export const poolCases = conformance(inventory, [
  {
    title: 'a prefix goes under the longest that holds it, takes over what it holds, and its equal exists already',
    async run(subject, kit) {
      const space = await subject.addressSpace.create(kit.caller(), { name: kit.name('space') });
      const add = (cidr: string) => subject.addressBlock.create(kit.caller(), { spaceId: space.id, cidr });
      const small = await add('10.0.1.0/26');
      const large = await add('10.0.0.0/16');
      const middle = await add('10.0.1.0/24');
      const parentOf = async (id: string) => (await subject.addressBlock.get(kit.caller(), { id })).parentId;
      kit.equals([await parentOf(small.id), await parentOf(middle.id)], [middle.id, large.id], 'the tree');
      const twice = await kit.refuses('already-exists', add('10.0.1.0/24'));
      kit.equals(twice.facts['conflictingId'], middle.id, 'the one that is there');
      await kit.refuses('topology-violation', add('10.0.1.1/24'));
      const inUse = await kit.refuses('has-dependents', subject.addressBlock.remove(kit.caller(), { id: middle.id }));
      kit.equals(inUse.facts['dependents'], [{ type: 'addressBlock', count: 1 }], 'its child');
      await subject.addressBlock.remove(kit.caller(), { id: small.id, version: 3 });
      await subject.addressBlock.remove(kit.caller(), { id: middle.id });
      await kit.refuses('not-found', subject.addressBlock.remove(kit.caller(), { id: middle.id }));
    },
  },
  {
    title: 'available counts by the rules of the family, of pools and of the smallest prefixes',
    async run(subject, kit) {
      const space = await subject.addressSpace.create(kit.caller(), { name: kit.name('space') });
      const expected: [string, boolean, string, string][] = [
        ['10.1.0.0/29', false, '6', '10.1.0.1'],
        ['10.2.0.0/29', true, '8', '10.2.0.0'],
        ['10.3.0.0/31', false, '2', '10.3.0.0'],
        ['10.4.0.0/32', false, '1', '10.4.0.0'],
        ['2001:db8:1::/64', false, '18446744073709551615', '2001:db8:1::1'],
        ['2001:db8:2::/127', false, '2', '2001:db8:2::'],
      ];
      for (const [cidr, isPool, count, first] of expected) {
        const block = await subject.addressBlock.create(kit.caller(), { spaceId: space.id, cidr, isPool });
        const free = await subject.addressBlock.available(kit.caller(), { id: block.id });
        kit.equals([free.availableAddresses, free.firstAvailable], [count, first], cidr);
      }
    },
  },
  {
    title: 'free blocks are what the children leave, cut into the fewest',
    async run(subject, kit) {
      const space = await subject.addressSpace.create(kit.caller(), { name: kit.name('space') });
      const add = (cidr: string) => subject.addressBlock.create(kit.caller(), { spaceId: space.id, cidr });
      const parent = await add('10.0.0.0/24');
      await add('10.0.0.64/26');
      await add('10.0.0.192/27');
      const free = await subject.addressBlock.available(kit.caller(), { id: parent.id, prefixLength: 27 });
      kit.equals(free.nextBlocks, ['10.0.0.0/26', '10.0.0.128/26', '10.0.0.224/27'], 'the blocks');
      kit.equals(
        [free.freeBlocks, free.largestFreePrefixLength, free.firstFreeBlock, free.firstOfLength],
        [3, 26, '10.0.0.0/26', '10.0.0.0/27'],
        'the counts',
      );
    },
  },
  {
    title: 'of eight clients that record one address one does, and removing it makes the host free again',
    async run(subject, kit) {
      const space = await subject.addressSpace.create(kit.caller(), { name: kit.name('space') });
      const block = await subject.addressBlock.create(kit.caller(), { spaceId: space.id, cidr: '10.0.0.0/28' });
      const record = () => subject.address.record(kit.caller(), { spaceId: space.id, address: '10.0.0.5' });
      const race = await Promise.allSettled(Array.from({ length: 8 }, record));
      const won = race.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      kit.equals([won.length, won[0]?.prefixLength], [1, 28], 'one of eight, with the mask of its prefix');
      const exists = await kit.refuses('already-exists', record());
      kit.equals(exists.facts['field'], 'address', 'the field');
      kit.equals(
        (await subject.addressBlock.available(kit.caller(), { id: block.id })).availableAddresses,
        '13',
        '14 less one',
      );
      await subject.address.remove(kit.caller(), { id: won[0]?.id ?? '', version: 1 });
      await record();
    },
  },
  {
    title: 'ranges of a domain never overlap, VLANs stay within 1 to 4094, and available counts what is left',
    async run(subject, kit) {
      const domain = await subject.numberDomain.create(kit.caller(), { name: kit.name('vlans'), kind: 'vlan' });
      const range = (start: number, end: number) =>
        subject.numberRange.create(kit.caller(), { domainId: domain.id, start, end });
      const first = await range(100, 199);
      await kit.refuses('allocation-conflict', range(199, 300));
      await kit.refuses('amount-not-allowed', range(4000, 4095));
      await kit.refuses('amount-not-allowed', range(20, 10));
      for (const value of [10, 100, 102]) await subject.number.record(kit.caller(), { domainId: domain.id, value });
      await kit.refuses('already-exists', subject.number.record(kit.caller(), { domainId: domain.id, value: 100 }));
      const free = await subject.numberRange.available(kit.caller(), { domainId: domain.id, limit: 3 });
      kit.equals(
        free,
        { domainId: domain.id, total: 100, used: 2, free: 98, firstFree: 101, next: [101, 103, 104] },
        'what is left',
      );
      const moved = await subject.numberRange.amend(kit.caller(), { id: first.id, version: 1, patch: { end: 149 } });
      kit.equals([moved.end, moved.version], [149, 2], 'the moved bound');
      await kit.refuses(
        'version-mismatch',
        subject.numberRange.amend(kit.caller(), { id: first.id, version: 1, patch: { end: 159 } }),
      );
    },
  },
  {
    title: 'a hardware profile is registered once per manufacturer and slug',
    async run(subject, kit) {
      const profile = {
        manufacturer: kit.name('maker'),
        slug: 'x1',
        model: 'X1',
        components: { interfaces: [{ name: '08', type: '1000base-t' }] },
      };
      const type = await subject.deviceType.register(kit.caller(), profile);
      kit.equals([type.heightHalfUnits, type.fullDepth, type.components], [2, true, profile.components], 'its shape');
      await kit.refuses('already-exists', subject.deviceType.register(kit.caller(), profile));
      kit.equals(
        await subject.deviceType.get(kit.caller(), { manufacturer: profile.manufacturer, slug: 'x1' }),
        type,
        'the same again',
      );
    },
  },
]);
