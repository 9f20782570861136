/**
 * Settings of a transaction whose statements find their rows by key, however many there are: planned once a connection, and never by
 * what is in the tables at first, or by how many rows the planner takes a walk to have.
 */
export const byKey = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_material: 'off',
};
