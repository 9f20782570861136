export const schemaName = 'audit';
