import { expect, test } from 'vitest';
import { isProblem, problem, problemCodes, problemFromJson, problems, problemTypeBase } from '../src/problem.js';

test('every problem travels as RFC 9457 and comes back the same', () => {
  for (const code of problemCodes) {
    const sent = problem(code, { resourceType: 'node' }, 'because');
    const seen = problemFromJson(JSON.parse(JSON.stringify(sent)));
    expect(seen).toMatchObject({ code, ...problems[code], detail: 'because', facts: { resourceType: 'node' } });
    expect(sent.toJSON()['type']).toBe(problemTypeBase + code);
  }
});

test('facts cannot change what the catalogue says', () => {
  expect(problem('not-found', { status: 200, code: 'internal', type: 'x' }).toJSON()).toEqual({
    type: `${problemTypeBase}not-found`,
    code: 'not-found',
    title: 'No such resource',
    status: 404,
  });
});

test('a problem is known by its shape, so that a second copy of the module does no harm', () => {
  const foreign = Object.assign(new Error('x'), { code: 'not-found', status: 404, title: 'x', facts: {} });
  expect(isProblem(foreign, 'not-found')).toBe(true);
  expect(isProblem(foreign, 'internal')).toBe(false);
  expect(isProblem(Object.assign(new Error('x'), { code: '23505', status: 1, facts: {} }))).toBe(false);
  expect(isProblem({ code: 'not-found', status: 404, facts: {} })).toBe(false);
});

test('text that is no code of the catalogue is no problem', () => {
  for (const json of [null, [], 'not-found', { code: 'toString' }, { code: 7 }]) {
    expect(problemFromJson(json)).toBeUndefined();
  }
});

test('the catalogue has kebab-case codes, error statuses and titles without a full stop', () => {
  for (const [code, { status, title }] of Object.entries(problems)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(title).toMatch(/^[A-Z].*[^.]$/);
  }
});
