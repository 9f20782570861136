import { checked, type CheckedOptions, type Implements } from '@sentral/contracts/contract';
import { task } from '@sentral/contracts/task';
import { factPage, versionPage } from '@sentral/kernel/feed';
import { confirmScopes } from '@sentral/kernel/scopes/news';
import { discardLetter } from './dead-letter/discard.js';
import { getLetter } from './dead-letter/get.js';
import { listLetters } from './dead-letter/list.js';
import { requeueLetter } from './dead-letter/requeue.js';
import type { Deps } from './deps.js';
import { listEvents } from './event/list.js';
import { versions } from './feed/versions.js';
import { acceptFinding } from './finding/accept.js';
import { getFinding } from './finding/get.js';
import { listFindings } from './finding/list.js';
import { resolveFinding } from './finding/resolve.js';
import { listInvariants } from './invariant/list.js';
import { scopes } from './projection/view.js';
import { amendSchedule } from './schedule/amend.js';
import { createSchedule } from './schedule/create.js';
import { getSchedule } from './schedule/get.js';
import { listSchedules } from './schedule/list.js';
import { removeSchedule } from './schedule/remove.js';
import { listServiceGates } from './service-gate/list.js';
import { pauseServiceGate } from './service-gate/pause.js';
import { resumeServiceGate } from './service-gate/resume.js';
import { livingSteps } from './step/living.js';
import { listSteps } from './step/list.js';
import { abandonTask } from './task/abandon.js';
import { cancelTask } from './task/cancel.js';
import { claimantsOf } from './task/claimants.js';
import { createTask as makeTask } from './task/create.js';
import { getTask } from './task/get.js';
import { holdTask } from './task/hold.js';
import { intendTask } from './task/intent.js';
import { listTasks } from './task/list.js';
import { livingTasks } from './task/living.js';
import { resumeTask } from './task/resume.js';
import { retryTask } from './task/retry.js';
import { signalTask } from './task/signal.js';
import { unwindTask } from './task/unwind.js';
import { waiveTask } from './task/waive.js';
import { countUsage } from './usage/count.js';
import { usageNow } from './usage/now.js';
import { planner, schedulePlanner, type Registry } from './workflow/workflow.js';

export type { Deps } from './deps.js';
export { createTaskLoops } from './loops.js';
export type { Meter } from './figures/meter.js';
export { readFigures, type Figures } from './figures/read.js';
export type { Functions } from './function/serve.js';
export type { MayStill } from './run/authorization.js';
export { createPulse, type Pulse } from './run/pulse.js';
export type { StepPlan } from './plan/plan.js';
export type { Json } from './plan/template.js';
export { faultKinds, rehearse, type Fault } from './workflow/rehearse.js';
export { workflow, type Workflow } from './workflow/workflow.js';
export type Task = Implements<typeof task>;

/** The task context: long-running work, made of steps that services do, which always ends and ends right. */
export function createTask(deps: Deps, { workflows, knows, ...options }: CheckedOptions & Registry): Task {
  const planOf = planner({ workflows, knows });
  const planScheduled = schedulePlanner({ workflows, knows });
  return checked(
    task,
    {
      task: {
        intent: (caller, command) => intendTask(deps, caller, command),
        create: (caller, command) => makeTask(deps, caller, { ...command, planOf }),
        get: (caller, command) => getTask(deps, caller, command),
        list: (caller, command) => listTasks(deps, caller, command),
        living: (caller, command) => livingTasks(deps, caller, command),
        claimants: (caller, command) => claimantsOf(deps, caller, command),
        cancel: (caller, command) => cancelTask(deps, caller, command),
        hold: (caller, command) => holdTask(deps, caller, command),
        resume: (caller, command) => resumeTask(deps, caller, command),
        retry: (caller, command) => retryTask(deps, caller, command),
        unwind: (caller, command) => unwindTask(deps, caller, command),
        waive: (caller, command) => waiveTask(deps, caller, command),
        abandon: (caller, command) => abandonTask(deps, caller, command),
        signal: (caller, command) => signalTask(deps, caller, command),
      },
      step: {
        list: (caller, command) => listSteps(deps, caller, command),
        living: (caller, command) => livingSteps(deps, caller, command),
      },
      event: { list: (caller, command) => listEvents(deps, caller, command) },
      schedule: {
        create: (caller, command) => createSchedule(deps, caller, { ...command, planScheduled }),
        get: (caller, command) => getSchedule(deps, caller, command),
        list: (caller, command) => listSchedules(deps, caller, command),
        amend: (caller, command) => amendSchedule(deps, caller, { ...command, planScheduled }),
        remove: (caller, command) => removeSchedule(deps, caller, command),
      },
      serviceGate: {
        list: (caller) => listServiceGates(deps, caller),
        pause: (caller, command) => pauseServiceGate(deps, caller, command),
        resume: (caller, command) => resumeServiceGate(deps, caller, command),
      },
      finding: {
        list: (caller, command) => listFindings(deps, caller, command),
        get: (caller, command) => getFinding(deps, caller, command),
        accept: (caller, command) => acceptFinding(deps, caller, command),
        resolve: (caller, command) => resolveFinding(deps, caller, command),
      },
      deadLetter: {
        list: (caller, command) => listLetters(deps, caller, command),
        get: (caller, command) => getLetter(deps, caller, command),
        requeue: (caller, command) => requeueLetter(deps, caller, command),
        discard: (caller, command) => discardLetter(deps, caller, command),
      },
      feed: {
        page: (caller, command) => factPage(deps.db.platform, versions, { caller, ...command }),
        versions: (caller, command) => versionPage(deps.db.platform, versions, { caller, ...command }),
      },
      invariant: { list: (caller) => listInvariants(deps, caller) },
      usage: {
        count: (caller, command) => countUsage(deps, caller, command),
        now: (caller, command) => usageNow(deps, caller, command),
      },
      projection: { apply: (caller) => confirmScopes(deps.db.app, scopes, caller) },
    },
    options,
  );
}
