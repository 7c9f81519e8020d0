import { expect, test } from 'vitest';
import { loadConfig, PLATFORM_SETTINGS, settingsSchema } from '../../shared/config.ts';
import { read, tableBelow } from './repository.ts';

const OURS = Object.keys(settingsSchema.shape);
const PLATFORM: readonly string[] = PLATFORM_SETTINGS;
const document = read('docs/configuration.md');
const { Values: sample } = JSON.parse(read('local.settings.sample.json')) as { Values: Record<string, string> };

const documented = (heading: string) =>
  tableBelow(document, heading).map(([name = '', ...cells]) => [name.replaceAll('`', ''), ...cells]);

test('the document describes every setting of the product, in the order of the schema, and no other', () => {
  expect(documented('## Settings of the product').map(([name]) => name)).toEqual(OURS);
});

test('the document says what each setting is when it is not given', () => {
  const expected = Object.entries(settingsSchema.shape).map(([name, schema]) => {
    const { success, data } = schema.safeParse(undefined);
    if (!success) return [name, 'required'];
    return [name, data === undefined ? 'none' : `\`${data}\``];
  });
  expect(documented('## Settings of the product').map(([name, fallback]) => [name, fallback])).toEqual(expected);
});

test('the document describes every setting of the platform that we rely on', () => {
  expect(documented('## Settings of the platform').map(([name]) => name)).toEqual([...PLATFORM]);
});

test('the sample has every setting, and no other', () => {
  expect(Object.keys(sample).sort()).toEqual([...OURS, ...PLATFORM].sort());
});

test('the sample is enough to start', () => {
  expect(loadConfig(sample).publicBaseUrl).toBe('http://localhost:7071');
});

test('the README names only settings that exist', () => {
  const named = tableBelow(read('README.md'), '## Settings').map(([name = '']) => name.replaceAll('`', ''));
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((name) => !OURS.includes(name) && !PLATFORM.includes(name))).toEqual([]);
});
