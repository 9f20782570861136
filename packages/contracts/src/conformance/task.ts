import { task } from '../task.js';
import { conformance } from './kit.js';
import { sharedVerbCases } from './shared-verbs.js';
import { taskVerbCases } from './task-verbs.js';

/** What holds for task's contract, near, far and in every fake. */
export const taskConformance = conformance(task, [...sharedVerbCases, ...taskVerbCases]);
