import { audit } from '../audit.js';
import { conformance } from './kit.js';
import { sharedVerbCases } from './shared-verbs.js';

/** What holds for audit's contract, near, far and in every fake. */
export const auditConformance = conformance(audit, sharedVerbCases);
