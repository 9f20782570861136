import { hostOf, readNet, type Span } from './net.js';
import type { Content } from './rules.js';
import type { BlockContent } from './sql.js';

/** What the statement read of a block, as the rules want it. */
export function contentOf(block: { isPool: boolean; markUtilized: boolean }, read: BlockContent): Content {
  return {
    isPool: block.isPool,
    markUtilized: block.markUtilized,
    held: read.held.map((host) => [hostOf(host), hostOf(host)] as Span),
    ranges: read.ranges.map(({ first, last }) => [hostOf(first), hostOf(last)] as Span),
    children: read.children.map(spanOf),
  };
}

function spanOf(cidr: string): Span {
  const net = readNet(cidr);
  if (net === undefined) throw new Error('the database holds a prefix that is none');
  return [net.first, net.last];
}
