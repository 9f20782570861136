import { globalSetup } from '@sentral/testing';
import { migrations } from '../src/migrations.js';

export default globalSetup([migrations]);
