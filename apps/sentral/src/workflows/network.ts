import { networkBodySchema, networkFields } from '@sentral/contracts/api/platform/networks';
import * as v from 'valibot';
import { asked, doing, platformResource, type Held } from './platform-resource.js';

const only = <W extends Held['items'][number]['what']>({ items }: Held, what: W) => {
  const item = items.find((each) => each.what === what);
  if (item === undefined) throw new Error(`a network without its ${what}`);
  return item;
};

/** The first host behind the network's own name: Sentral keeps it out of what machines are given. */
export function gatewayOf(cidr: string): string {
  const [net = ''] = cidr.split('/');
  return net.includes(':') ? `${net}1` : net.replace(/\d+$/, (last) => String(Number(last) + 1));
}

/** A VLAN and a prefix, and Nett, which makes a network of them. */
export const network = platformResource({
  kind: 'network',
  prefix: 'net',
  body: networkBodySchema,
  wanted: v.object(networkFields),
  keeps: ({ spec }, held) => {
    const { number: vlan } = only(held, 'number');
    const { cidr, takenBlockId: blockId } = only(held, 'block');
    const { address: gateway } = only(held, 'address');
    if (vlan === undefined || cidr === undefined || blockId === undefined || gateway === undefined)
      throw new Error('a network was reserved without what it is made of');
    return { vlan, cidr, gateway, blockId, spec };
  },
  holds: ({ vlan, block }) => [
    { item: { what: 'number', ...vlan, count: 1 }, at: '/vlan' },
    { item: { what: 'block', ...block, count: 1 }, at: '/block' },
  ],
  more: (held) => {
    const { takenBlockId, cidr } = only(held, 'block');
    if (takenBlockId === undefined || cidr === undefined) return [];
    return [{ item: { what: 'address', blockId: takenBlockId, address: gatewayOf(cidr), count: 1 }, at: '/block' }];
  },
  make: ({ id, held }) => [
    doing('network', 'nett', 'network.create', {
      input: {
        networkId: id,
        name: asked('name'),
        vlan: asked('wanted/vlan'),
        cidr: asked('wanted/cidr'),
        gateway: asked('wanted/gateway'),
        spec: asked('wanted/spec'),
        fence: only(held, 'number').fence,
      },
      undo: { action: 'network.delete', input: { networkId: id } },
    }),
  ],
  unmake: (id) => [doing('network', 'nett', 'network.delete', { input: { networkId: id }, undo: 'none' })],
});
