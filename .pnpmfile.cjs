// drizzle speaks postgres.js here and nothing else. Without this the driver of what the bench compares with would count as a peer of
// it, and be installed beside everything that runs.
module.exports = {
  hooks: {
    readPackage(pkg) {
      if (pkg.name === 'drizzle-orm') delete pkg.peerDependencies.pg;
      return pkg;
    },
  },
};
