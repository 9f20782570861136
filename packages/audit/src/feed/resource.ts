/** The id on the wire of a resource that the feed names by type and uuid: no type yet, so a row with one is a bug. */
export function wireId(resourceType: string, uuid: string): string {
  throw new TypeError(`audit has no resource ${resourceType} (${uuid})`);
}
