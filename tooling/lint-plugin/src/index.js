import { kernelOwnsPostgres } from './kernel-owns-postgres.js';
import { noForeignCallInTransaction } from './no-foreign-call-in-transaction.js';
import { noForeignSql } from './no-foreign-sql.js';
import { noSilentWrite } from './no-silent-write.js';
import { roomImports } from './room-imports.js';

export default {
  meta: { name: 'sentral' },
  rules: {
    'room-imports': roomImports,
    'kernel-owns-postgres': kernelOwnsPostgres,
    'no-foreign-sql': noForeignSql,
    'no-foreign-call-in-transaction': noForeignCallInTransaction,
    'no-silent-write': noSilentWrite,
  },
};
