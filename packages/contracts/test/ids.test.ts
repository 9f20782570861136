import fc from 'fast-check';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { decodeId, encodeId, idSchema, isId, parseId, prefixes, type Prefix } from '../src/ids.js';
import { isProblem } from '../src/problem.js';

const names = Object.keys(prefixes) as Prefix[];

test('the vector of the TypeID specification is written and read', () => {
  expect(encodeId('usr', '01890a5d-ac96-774b-bcce-b302099a8057')).toBe('usr_01h455vb4pex5vsknk084sn02q');
  expect(decodeId('usr', 'usr_01h455vb4pex5vsknk084sn02q')).toBe('01890a5d-ac96-774b-bcce-b302099a8057');
  expect(encodeId('req', 'ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('req_7zzzzzzzzzzzzzzzzzzzzzzzzz');
  expect(encodeId('req', '00000000-0000-0000-0000-000000000000')).toBe('req_00000000000000000000000000');
});

test('every uuid comes back as it went in, and keeps its order', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), fc.constantFrom(...names), (a, b, prefix) => {
      const [first, second] = [encodeId(prefix, a), encodeId(prefix, b)];
      expect(decodeId(prefix, first)).toBe(a);
      expect(parseId(first)).toEqual({ prefix, uuid: a });
      expect(first < second).toBe(a < b);
    }),
  );
});

test.each([
  ['another kind', 'nod_01h455vb4pex5vsknk084sn02q'],
  ['upper case', 'usr_01H455VB4PEX5VSKNK084SN02Q'],
  ['a letter that Crockford left out', 'usr_01h455vb4pex5vsknk084sn0iq'],
  ['more than 128 bits', 'usr_81h455vb4pex5vsknk084sn02q'],
  ['too short', 'usr_01h455vb4pex5vsknk084sn02'],
  ['too long', 'usr_01h455vb4pex5vsknk084sn02q0'],
  ['a line feed behind it', 'usr_01h455vb4pex5vsknk084sn02\n'],
  ['a bare uuid', '01890a5d-ac96-774b-bcce-b302099a8057'],
])('an id of %s is refused', (_, id) => {
  expect(isId('usr', id)).toBe(false);
  expect(v.is(idSchema('usr'), id)).toBe(false);
  expect(() => decodeId('usr', id)).toThrow(expect.objectContaining({ code: 'invalid-parameter' }));
});

test('a prefix that is not registered is refused, also one that every object has', () => {
  for (const id of ['abc_01h455vb4pex5vsknk084sn02q', 'constructor', '']) {
    expect(
      isProblem(
        attempt(() => parseId(id)),
        'invalid-parameter',
      ),
    ).toBe(true);
  }
});

test('what the schema takes is what the codec takes', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^usr_[0-9a-z]{24,27}$/), (id) => {
      expect(v.is(idSchema('usr'), id)).toBe(isId('usr', id));
    }),
  );
});

test('a uuid that is not canonical is a bug of the caller', () => {
  expect(() => encodeId('usr', '01890A5D-ac96-774b-bcce-b302099a8057')).toThrow(TypeError);
});

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
