import { audit } from '@sentral/contracts/audit';
import { checked, type CheckedOptions, type Implements } from '@sentral/contracts/contract';
import type { Deps } from './deps.js';
import { pageEvents } from './event/page.js';
import { countIntegrity, getIntegrity } from './completeness/status.js';
import { createExport } from './export/create.js';
import { readExportFile } from './export/file.js';
import { getExport } from './export/get.js';
import { listExports } from './export/list.js';
import { removeExport } from './export/remove.js';
import { confirmedFeed } from './feed/confirmed.js';
import { factPage, versionPage } from '@sentral/kernel/feed';
import { versions } from './feed/resource.js';
import { listInvariants } from './invariant/list.js';
import { createLegalHold } from './legal-hold/create.js';
import { endLegalHold } from './legal-hold/end.js';
import { getLegalHold } from './legal-hold/get.js';
import { listLegalHolds } from './legal-hold/list.js';
import { listCheckpoints } from './log/checkpoints.js';
import { proveConsistency } from './log/consistency.js';
import { getLog } from './log/get.js';
import { listLogs } from './log/list.js';
import { getRecord } from './record/get.js';
import { listRecords } from './record/list.js';
import { readPersonal } from './record/personal.js';
import { proveRecord } from './record/prove.js';
import { redactSealed } from './record/redact.js';
import { reportRequest } from './request/report.js';
import { eraseSubject } from './subject/erase.js';

export type { Deps } from './deps.js';
export { createKeyring, createSeal, openSealed, readKeys, type Keyring } from './seal.js';
export { createAuditLoops, createSigner, directorySink } from './loops.js';
export type Audit = Implements<typeof audit>;

/** The audit context: what happened, in logs that only grow. */
export function createAudit(deps: Deps, options: CheckedOptions = {}): Audit {
  return checked(
    audit,
    {
      record: {
        list: (caller, command) => listRecords(deps, caller, command),
        get: (caller, command) => getRecord(deps, caller, command),
        proof: (caller, command) => proveRecord(deps, caller, command),
        personal: (caller, command) => readPersonal(deps, caller, command),
        redact: (caller, command) => redactSealed(deps, caller, command),
      },
      log: {
        list: (caller, command) => listLogs(deps, caller, command),
        get: (caller, command) => getLog(deps, caller, command),
        checkpoints: (caller, command) => listCheckpoints(deps, caller, command),
        consistency: (caller, command) => proveConsistency(deps, caller, command),
      },
      legalHold: {
        create: (caller, command) => createLegalHold(deps, caller, command),
        get: (caller, command) => getLegalHold(deps, caller, command),
        list: (caller, command) => listLegalHolds(deps, caller, command),
        end: (caller, command) => endLegalHold(deps, caller, command),
      },
      export: {
        create: (caller, command) => createExport(deps, caller, command),
        get: (caller, command) => getExport(deps, caller, command),
        list: (caller, command) => listExports(deps, caller, command),
        file: (caller, command) => readExportFile(deps, caller, command),
        remove: (caller, command) => removeExport(deps, caller, command),
      },
      integrity: {
        get: (caller) => getIntegrity(deps, caller),
        count: (caller) => countIntegrity(deps, caller),
      },
      event: { page: (caller, command) => pageEvents(deps, caller, command) },
      subject: { erase: (caller, command) => eraseSubject(deps, caller, command) },
      request: { report: (caller, command) => reportRequest(deps, caller, command) },
      feed: {
        page: (caller, command) => factPage(deps.db.platform, versions, { caller, ...command }),
        versions: (caller, command) => versionPage(deps.db.platform, versions, { caller, ...command }),
        confirmed: (caller, command) => confirmedFeed(deps, caller, command),
      },
      invariant: { list: (caller) => listInvariants(deps, caller) },
    },
    options,
  );
}
