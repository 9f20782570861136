import { fileURLToPath } from 'node:url';
import { globalSetup } from '../src/global-setup.js';

export default globalSetup([{ context: 'sample', folder: fileURLToPath(new URL('sample', import.meta.url)) }]);
