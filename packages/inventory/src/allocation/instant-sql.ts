/** An instant as a number that orders as the database does; null where there is none or it never comes. */
export const microseconds = (instant: string): string =>
  `case when ${instant} < 'infinity' then (extract(epoch from ${instant}) * 1000000)::bigint end`;
