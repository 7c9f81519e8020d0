import { describe, expect, test } from 'vitest';
import { compose } from '../../shared/compose.ts';
import { ConfigError, loadConfig } from '../../shared/config.ts';
import { ENTRA_SETTINGS, FakeApp, TEST_SETTINGS } from '../fakes/app.ts';

const load = (changes: Record<string, string>) => loadConfig({ ...TEST_SETTINGS, ...changes });

function problemsOf(changes: Record<string, string>): readonly string[] {
  try {
    load(changes);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

describe('API_AUTH', () => {
  test('is the function key unless something else is said', () => {
    expect(load({}).apiAuth).toEqual({ kind: 'function' });
  });

  test('may be prepared before it is switched', () => {
    expect(load({ ...ENTRA_SETTINGS, API_AUTH: 'function' }).apiAuth).toEqual({ kind: 'function' });
  });

  test('is by token with a tenant and an audience', () => {
    const tenant = String(ENTRA_SETTINGS['API_ENTRA_TENANT']);
    expect(load({ ...ENTRA_SETTINGS, API_ENTRA_TENANT: tenant.toUpperCase() }).apiAuth).toEqual({
      kind: 'entra',
      tenantId: tenant,
      audience: ENTRA_SETTINGS['API_ENTRA_AUDIENCE'],
    });
  });

  test.each<[string, Record<string, string>, string[]]>([
    ['without both', { API_AUTH: 'entra' }, ['API_ENTRA_TENANT', 'API_ENTRA_AUDIENCE']],
    ['without a tenant', { ...ENTRA_SETTINGS, API_ENTRA_TENANT: '' }, ['API_ENTRA_TENANT']],
    ['without an audience', { ...ENTRA_SETTINGS, API_ENTRA_AUDIENCE: '' }, ['API_ENTRA_AUDIENCE']],
    ['with a tenant for all', { ...ENTRA_SETTINGS, API_ENTRA_TENANT: 'common' }, ['API_ENTRA_TENANT']],
    ['with a domain, which no token names', { ...ENTRA_SETTINGS, API_ENTRA_TENANT: 'acme.com' }, ['API_ENTRA_TENANT']],
    ['with two audiences', { ...ENTRA_SETTINGS, API_ENTRA_AUDIENCE: 'a b' }, ['API_ENTRA_AUDIENCE']],
    ['of a kind nobody knows', { ...ENTRA_SETTINGS, API_AUTH: 'Entra' }, ['API_AUTH']],
  ])('%s does not start, and every problem is named', (_what, changes, names) => {
    expect(problemsOf(changes).map((problem) => problem.split(':')[0])).toEqual(names);
  });

  test('by token does not start when nothing would judge tokens', () => {
    const { tables, ...rest } = { ...new FakeApp(), tables: {} as never };
    const adapters = { ...rest, tables, apiTokens: undefined } as unknown as Parameters<typeof compose>[1];
    expect(() => compose(load(ENTRA_SETTINGS), adapters)).toThrow('nothing judges tokens');
  });
});
