import { journal, type JournalInput, type JournalStep, type Operation } from '@sentral/contracts/services/journal';
import { takeBackNext } from '../../src/child/rules.js';
import type { Aggregate, StepRow } from '../../src/decide/aggregate.js';
import { decide } from '../../src/decide/decide.js';
import type { Input } from '../../src/decide/decision.js';
import { allRules, type Rules, type Tally } from './saga.js';

// The rules of task.md 9.4, each taken out of the real code by lying to it about what it sees, or by changing what it says.

type Step = Partial<StepRow>;

/** Decides as if the rows were others; what it did not change stays as it really is. */
const seeing =
  (
    lie: (step: StepRow, aggregate: Aggregate, input: Input) => Step | undefined,
    task: Partial<Aggregate['task']> = {},
  ): typeof decide =>
  (aggregate, input, context) => {
    const steps = aggregate.steps.map((step) => ({ ...step, ...lie(step, aggregate, input) }));
    return decide({ ...aggregate, task: { ...aggregate.task, ...task }, steps }, input, context);
  };

const journalWith =
  (change: (step: JournalStep, input: JournalInput, row: Operation | undefined) => JournalStep): typeof journal =>
  (row, input) =>
    change(journal(row, input), input, row);

/** Undo of what succeeded only: a step whose success nobody has told is taken for one that has done nothing. */
const undoOnlySuccesses: typeof decide = (aggregate, input, context) => {
  const decision = decide(aggregate, input, context);
  const turned = aggregate.task.state !== 'unwinding' && decision.task.state === 'unwinding';
  if (!turned) return decision;
  const patches = new Map(decision.steps.map(({ id, patch }) => [id, patch]));
  const spared = new Set(
    aggregate.steps.filter(({ id, state }) => (patches.get(id)?.state ?? state) !== 'succeeded').map(({ id }) => id),
  );
  return {
    ...decision,
    steps: decision.steps.map(({ id, patch }) =>
      spared.has(id) ? { id, patch: { ...patch, undoState: 'done', undoAttempt: 0 } } : { id, patch },
    ),
    opened: decision.opened.filter(({ stepId }) => !spared.has(stepId)),
    commands: decision.commands.filter(({ stepId }) => !spared.has(stepId)),
    timersSet: decision.timersSet.filter(({ ownerId }) => !spared.has(ownerId)),
  };
};

/** An answer is taken whatever has been answered before. */
const unguarded: typeof decide = seeing((step, _, input) =>
  input.on === 'reply' && input.stepId === step.id && input.answer.kind === 'succeeded' && step.state === 'succeeded'
    ? { state: 'accepted' }
    : undefined,
);

const dropping =
  (drops: (aggregate: Aggregate, input: Input & { on: 'reply' }, step: StepRow) => boolean): typeof decide =>
  (aggregate, input, context) => {
    const step = input.on === 'reply' ? aggregate.steps.find(({ id }) => id === input.stepId) : undefined;
    const dropped = input.on === 'reply' && step !== undefined && drops(aggregate, input, step);
    return decide(aggregate, dropped ? { on: 'beat', stepId: 'none', direction: 'do', attempt: 1 } : input, context);
  };

/** A failure of an older attempt counts as one of the newest. */
const staleFailuresCount: typeof decide = (aggregate, input, context) => {
  const step = input.on === 'reply' ? aggregate.steps.find(({ id }) => id === input.stepId) : undefined;
  const late = input.on === 'reply' && input.answer.kind === 'failed' && step !== undefined;
  return decide(aggregate, late ? { ...input, attempt: step.attempt } : input, context);
};

export interface Knockout {
  readonly rule: string;
  readonly rules: Partial<Rules>;
  /**
   * The invariant that must be seen broken; or what else tells it from a run with all rules. `nothing`: the rule saves work and
   * guards no invariant, which is to stay so; its effect is an example of decide.test.ts.
   */
  readonly breaks: string | ((without: Tally, all: Tally) => boolean);
  readonly runs?: number;
}

export const knockouts: readonly Knockout[] = [
  {
    rule: 'children are asked after (an answer of theirs got lost)',
    rules: { decide: (aggregate, input, context) => ({ ...decide(aggregate, input, context), describe: [] }) },
    breaks: 'never settled',
    runs: 100,
  },
  {
    rule: 'an undo waits for the children that it ends',
    rules: {
      takeBackNext: (family) => {
        const move = takeBackNext(family);
        return move.act === 'wait' ? { act: 'undone', found: true } : move;
      },
    },
    breaks: 'orphaned effects',
  },
  {
    rule: 'what a child had done is taken back although it has ended',
    rules: {
      takeBackNext: ({ children, ...family }) =>
        takeBackNext({ ...family, children: children.filter(({ state }) => state !== 'succeeded') }),
    },
    breaks: 'orphaned effects',
  },
  { rule: 'inbox and its guard (R1)', rules: { inbox: false, decide: unguarded }, breaks: 'a step advanced twice' },
  {
    rule: 'attempt in the message id (R2)',
    rules: { idsNameAttempts: false },
    // A retry is swallowed as a duplicate: what got lost once stays lost while the window lasts.
    breaks: (without, all) =>
      (without.states['succeeded'] ?? 0) < 0.95 * (all.states['succeeded'] ?? 0) &&
      without.stats.retried > 1.5 * all.stats.retried,
  },
  {
    rule: 'an attempt runs once, never an older one (R3/S2)',
    rules: {
      journal: journalWith((step, input, row) =>
        input.on === 'do' && row?.state === 'doing' && !row.tombstone
          ? { ...step, acts: [...step.acts, { act: 'run', work: input.work }] }
          : step,
      ),
    },
    breaks: 'orphaned effects',
    runs: 20_000,
  },
  { rule: 'the log before the effect (R4/S3)', rules: { logsFirst: false }, breaks: 'orphaned effects' },
  {
    rule: 'the tombstone (R5/S1)',
    rules: {
      journal: (row, input) => {
        const step = journal(row, input);
        if (input.on !== 'undo' || step.row === undefined) return step;
        // An undo of what is unknown leaves nothing, and what is undone may be done again.
        return row === undefined ? { ...step, row: undefined } : { ...step, row: { ...step.row, tombstone: false } };
      },
    },
    breaks: 'orphaned effects',
    runs: 2_000,
  },
  {
    rule: 'an undo waits for the running do (R6/S4)',
    rules: {
      journal: (row, input) =>
        journal(input.on === 'undo' && row?.state === 'doing' ? { ...row, state: 'done' } : row, input),
    },
    breaks: 'orphaned effects',
  },
  { rule: 'effects carry the operation and are looked for (R7/S4)', rules: { looks: false }, breaks: 'double effects' },
  { rule: 'work goes on at the start (S5)', rules: { resumes: false }, breaks: 'never settled', runs: 50 },
  { rule: 'timers in the database (R8)', rules: { durableTimers: false }, breaks: 'never settled' },
  {
    rule: 'undo of whatever was sent (R9/D5)',
    rules: { decide: undoOnlySuccesses, scanMs: 30_000 },
    breaks: 'orphaned effects',
  },
  {
    rule: 'a success of any attempt counts (R10)',
    rules: {
      decide: dropping((_, input, step) => input.answer.kind === 'succeeded' && input.attempt < step.attempt),
    },
    breaks: 'nothing',
  },
  {
    rule: 'a late failure of an older attempt does not (R11)',
    rules: { decide: staleFailuresCount },
    breaks: 'nothing',
  },
  { rule: "'none' is said only after looking (R13/S7)", rules: { honest: false }, breaks: 'orphaned effects' },
  { rule: 'an undo finds what was bound ahead of its step', rules: { ahead: false }, breaks: 'orphaned effects' },
  {
    rule: 'the pivot',
    rules: { decide: seeing(() => ({ pivot: false })) },
    breaks: 'unwound past its pivot',
  },
  {
    rule: 'reverse order of the undo',
    rules: {
      decide: seeing((_, { task }) => (task.state === 'unwinding' ? { needs: [] } : undefined)),
    },
    breaks: 'an undo before that of what was built on it',
  },
  {
    rule: 'the hold',
    rules: { decide: seeing(() => undefined, { hold: null }) },
    breaks: 'sent while held',
  },
  {
    rule: 'the timers end with the task',
    rules: { decide: (aggregate, input, context) => ({ ...decide(aggregate, input, context), ended: false }) },
    breaks: 'timers after the end',
  },
];

export const without = ({ rules }: Knockout): Rules => ({ ...allRules, ...rules });
