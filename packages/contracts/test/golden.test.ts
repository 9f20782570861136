import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, test } from 'vitest';
import { compareGolden, goldenOf, type Golden } from '../src/golden.js';
import { contracts, eventsOf } from './contracts.js';

// `pnpm golden` writes what is compatible, `pnpm golden:breaking` writes whatever the contract says now.
const update = process.env['SENTRAL_UPDATE_GOLDEN'];

test.each(contracts.map((contract) => [contract.context, contract] as const))(
  'the contract of %s and its events keep what the golden file promises, and the file is up to date',
  (context, contract) => {
    const file = new URL(`../golden/${context}.json`, import.meta.url);
    const now = goldenOf(toJsonSchema, contract, eventsOf(context));
    const text = `${JSON.stringify(now, null, 1)}\n`;
    if (existsSync(file) && update !== 'breaking') {
      const promised = JSON.parse(readFileSync(file, 'utf8')) as Golden;
      const broken = compareGolden(promised, now).filter(({ breaking }) => breaking);
      expect(broken, 'these changes break who relies on the contract; `pnpm golden:breaking` takes them in').toEqual(
        [],
      );
    }
    if (update !== undefined) writeFileSync(file, text);
    expect(readFileSync(file, 'utf8') === text, '`pnpm golden` writes the compatible changes down').toBe(true);
  },
);

test('each verb says in a sentence what it does and lists known refusals once', () => {
  for (const { context, nouns } of contracts) {
    for (const [noun, verbs] of Object.entries(nouns)) {
      for (const [name, def] of Object.entries(verbs)) {
        const verbName = `${context}.${noun}.${name}`;
        expect(def.summary, verbName).toMatch(/\S.*\.$/s);
        expect(new Set(def.refuses).size, verbName).toBe(def.refuses.length);
      }
    }
  }
});
