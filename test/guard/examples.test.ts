import { expect, test } from 'vitest';
import { loadConfig } from '../../shared/config.ts';
import { queueMessageSchema } from '../../shared/mail/message.ts';
import { prepareMail } from '../../shared/mail/prepare.ts';
import { read, tableBelow } from './repository.ts';

const blocks = (language: string) =>
  [...read('README.md').matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);

test('the README’s queue message is one that is taken in', () => {
  const [example = ''] = blocks('json');
  const { version: _, customerId: _c, connectionId: _i, ...mail } = queueMessageSchema.parse(JSON.parse(example));
  const prepared = prepareMail(mail, 'welcome-4711', undefined, 'queue', new Date('2026-12-01T00:00:00Z'), 10_000);
  expect(prepared).not.toHaveProperty('errors');
});

test('the README’s example settings are enough to start', () => {
  const rows = tableBelow(read('README.md'), '## Settings').map((row) => row.map((cell) => cell.split('`')[1] ?? ''));
  const settings = Object.fromEntries(rows.filter(([, example]) => example));
  expect(Object.keys(settings)).toContain('LINK_RETURN_URLS');
  const given = { MailStorage: 'UseDevelopmentStorage=true', SERVICE_PROVIDER_CLIENT_ID: crypto.randomUUID() };
  expect(() => loadConfig({ ...settings, ...given })).not.toThrow();
});

test('every command in the README that npm runs is one', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const called = [...read('README.md').matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name = '']) => name);
  expect(called).toContain('sandbox');
  expect(called.filter((name) => !(name in scripts))).toEqual([]);
});
