import type { ChangeItem, Resource } from '../change-set.js';
import type { Row } from './dump.js';

export function upsert(row: Row, resource: Resource, externalId: string = row.key): ChangeItem {
  return { item: 'row', line: row.line, row: { op: 'upsert', externalId, resource } };
}

export function rejected(row: Row, reason: string): ChangeItem {
  return { item: 'rejected', line: row.line, key: row.key, reason };
}
