export { globalSetup } from './global-setup.js';
export {
  createTestDatabase,
  dropTemplate,
  prepareTemplate,
  type TemplateOptions,
  type TestDatabase,
} from './template.js';
