import { expect, test } from 'vitest';
import { loadConfig } from '../../shared/config.ts';
import { read, tableBelow } from './repository.ts';

test('the README’s example settings are enough to start', () => {
  const rows = tableBelow(read('README.md'), '## Settings').map((row) => row.map((cell) => cell.split('`')[1] ?? ''));
  const settings = Object.fromEntries(rows.filter(([, example]) => example));
  expect(Object.keys(settings)).toContain('LINK_RETURN_URLS');
  const given = { MailStorage: 'UseDevelopmentStorage=true', SERVICE_PROVIDER_CLIENT_ID: crypto.randomUUID() };
  expect(() => loadConfig({ ...settings, ...given })).not.toThrow();
});
