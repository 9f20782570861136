import * as v from 'valibot';

/** Marks a field of a resource that says who a person is: it goes on record sealed, and into no public event. */
export const personal = <const S extends v.GenericSchema>(schema: S) =>
  v.pipe(schema, v.metadata({ 'x-personal': true }));

/** Parts a resource in two: what whoever may read it may read, and what says who a person is. */
export function partPersonal<T extends object>(
  { entries }: { readonly entries: Readonly<Record<string, v.GenericSchema>> },
  resource: T,
): { readonly open: Partial<T>; readonly personal: Partial<T> } {
  const marked = ([name]: [string, unknown]): boolean => entries[name] !== undefined && isPersonal(entries[name]);
  const all = Object.entries(resource);
  return {
    open: Object.fromEntries(all.filter((entry) => !marked(entry))) as Partial<T>,
    personal: Object.fromEntries(all.filter(marked)) as Partial<T>,
  };
}

function isPersonal(schema: v.GenericSchema): boolean {
  const { wrapped } = schema as { readonly wrapped?: v.GenericSchema };
  return v.getMetadata(schema)['x-personal'] === true || (wrapped !== undefined && isPersonal(wrapped));
}
