import { fileURLToPath } from 'node:url';
import { contractReport } from './report.js';

/** Arguments: the base revision (else SENTRAL_CONTRACT_BASE, else where the branch left main), and the root of the checkout. */
const [base = process.env['SENTRAL_CONTRACT_BASE'], root = fileURLToPath(new URL('../../..', import.meta.url))] =
  process.argv.slice(2);
const { markdown, failed } = contractReport(root, base === '' ? undefined : base);
process.stdout.write(markdown);
process.exitCode = failed ? 1 : 0;
