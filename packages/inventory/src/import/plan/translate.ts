import { problem } from '@sentral/contracts/problem';
import type { Body, ChangeItem, ImportLimits, Resource } from '../change-set.js';
import { formatNetwork, parseNetwork } from '../ip.js';
import { isMapping, readYaml, type Mapping } from '../yaml-text.js';

/** The one space of a prefix plan. */
export const planSpace = 'prefixplan';

const realmKey = (realm: string): string => `realm:${realm}`;
const plainLists = ['network::external', 'network::customers'] as const;
const namedLists = ['network::aggregate_networks', 'network::infrastructure', 'network::management'] as const;

/** Tells whether YAML text is a prefix plan. */
export function isPrefixPlan(text: string): boolean {
  return /^['"]?network::subnets['"]?:/m.test(text);
}

/**
 * Translates a prefix plan (`network::subnets`: realm, site, sphere, subnet, family) into a change set that is the whole of its source.
 * Subnets are keyed `realm/site/sphere/name#family`, so a renumbering is an update and a block may pass from one key to another;
 * the blocks of the lists stand above or beside them and are keyed by their prefix.
 * @throws Problem malformed-request, content-too-large
 */
export async function* translatePrefixPlan(body: Body, limits: ImportLimits): AsyncGenerator<ChangeItem> {
  const plan = readYaml(await wholeText(body, limits.elementBytes), 'The prefix plan');
  const subnets = isMapping(plan) ? plan['network::subnets'] : undefined;
  if (!isMapping(plan) || !isMapping(subnets))
    throw problem(
      'malformed-request',
      { position: 0 },
      'The file is YAML but no prefix plan: it has no network::subnets.',
    );
  yield { item: 'head', format: 'prefixplan', complete: true };
  let line = 0;
  const lists = listedBlocks(plan);
  const planned = [...subnetRows(subnets)];
  const subnetPrefixes = new Set(planned.map((row) => row.cidr).filter((cidr) => cidr !== undefined));
  // A list may name a block that is also a subnet. The space says so, or a subnet would change with a list that is none of its own.
  const subnetsListed = Object.fromEntries([...lists.blocks].filter(([cidr]) => subnetPrefixes.has(cidr)));
  const attributes = Object.keys(subnetsListed).length === 0 ? {} : { attributes: { subnetsListed } };
  const first = (externalId: string, resource: Resource): ChangeItem => ({
    item: 'row',
    line: 0,
    row: { op: 'upsert', externalId, resource },
  });
  yield first(planSpace, { type: 'addressSpace', name: 'prefix plan', ...attributes });
  for (const realm of new Set(planned.map((row) => row.realm)))
    yield first(realmKey(realm), { type: 'tenant', name: realm });
  for (const [cidr, names] of lists.blocks) {
    line += 1;
    if (subnetPrefixes.has(cidr)) continue;
    yield {
      item: 'row',
      line,
      row: {
        op: 'upsert',
        externalId: `list#${cidr}`,
        resource: { type: 'addressBlock', space: planSpace, cidr, status: 'container', attributes: { lists: names } },
      },
    };
  }
  for (const { name, text } of lists.unreadable) {
    line += 1;
    yield { item: 'rejected', line, key: `${name}#${text}`, reason: `${JSON.stringify(text)} is not a prefix` };
  }
  for (const { key, realm, site, sphere, name, text, cidr } of planned) {
    line += 1;
    if (cidr === undefined) {
      yield { item: 'rejected', line, key, reason: `${JSON.stringify(text)} is not a prefix` };
      continue;
    }
    const own = { realm, site, sphere, subnet: name, ...(text === cidr ? {} : { asWritten: text }) };
    yield {
      item: 'row',
      line,
      row: {
        op: 'upsert',
        externalId: key,
        resource: {
          type: 'addressBlock',
          space: planSpace,
          cidr,
          attributes: own,
          tenant: realmKey(realm),
        },
      },
    };
  }
}

async function wholeText(body: Body, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes)
      throw problem('content-too-large', { maxBytes }, `The prefix plan is larger than ${maxBytes} bytes.`);
    pieces.push(Uint8Array.from(chunk));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch {
    throw problem('malformed-request', {}, 'The prefix plan is not UTF-8.');
  }
}

interface SubnetRow {
  readonly key: string;
  readonly realm: string;
  readonly site: string;
  readonly sphere: string;
  readonly name: string;
  readonly text: string;
  readonly cidr: string | undefined;
}

function* subnetRows(subnets: Mapping): Generator<SubnetRow> {
  const entries = (value: unknown): [string, unknown][] => (isMapping(value) ? Object.entries(value) : []);
  for (const [realm, sites] of entries(subnets)) {
    for (const [site, spheres] of entries(sites)) {
      for (const [sphere, nets] of entries(spheres)) {
        for (const [name, families] of entries(nets)) {
          for (const [family, prefix] of entries(families)) {
            const text = String(prefix);
            const network = parseNetwork(text);
            yield {
              key: `${realm}/${site}/${sphere}/${name}#${family}`,
              realm,
              site,
              sphere,
              name,
              text,
              cidr: network && formatNetwork(network),
            };
          }
        }
      }
    }
  }
}

interface ListedBlocks {
  /** Prefix to the lists that name it, once for each time. */
  readonly blocks: ReadonlyMap<string, readonly string[]>;
  readonly unreadable: readonly { readonly name: string; readonly text: string }[];
}

function listedBlocks(plan: Mapping): ListedBlocks {
  const blocks = new Map<string, string[]>();
  const unreadable: { name: string; text: string }[] = [];
  const add = (name: string, list: unknown): void => {
    for (const entry of Array.isArray(list) ? (list.flat(Number.POSITIVE_INFINITY) as unknown[]) : []) {
      const network = parseNetwork(String(entry));
      if (network === undefined) {
        unreadable.push({ name, text: String(entry) });
        continue;
      }
      const cidr = formatNetwork(network);
      const names = blocks.get(cidr) ?? [];
      blocks.set(cidr, names);
      names.push(name);
    }
  };
  for (const name of plainLists) add(name, plan[name]);
  for (const name of namedLists) {
    const lists = plan[name];
    if (isMapping(lists)) for (const [part, list] of Object.entries(lists)) add(`${name}/${part}`, list);
  }
  return { blocks, unreadable };
}
