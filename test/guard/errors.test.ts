import { describe, expect, test } from 'vitest';
import { STATUS_WORDS } from '../../sandbox/hire2retire/words.ts';
import { CONNECTION_REASONS, explain } from '../../shared/connection-reasons.ts';
import { API_ERRORS, LINK_ERRORS, MAIL_REASONS, NOT_TAKEN_REASONS } from '../../shared/errors.ts';
import { FIELD_CODES } from '../../shared/field-codes.ts';
import { withTables } from '../../tools/error-tables.ts';
import { code, filesBelow, read } from './repository.ts';

const CATALOGUE = ['shared/errors.ts', 'shared/field-codes.ts'];

test('docs/errors.md equals the catalogue (if not: npm run error-tables)', () => {
  const document = read('docs/errors.md');
  expect(document).toBe(withTables(document));
});

describe('the catalogue', () => {
  const entries = { ...LINK_ERRORS, ...API_ERRORS };

  test('names each code once, in small letters', () => {
    expect(Object.keys(LINK_ERRORS).filter((each) => each in API_ERRORS)).toEqual([]);
    const tables = [entries, MAIL_REASONS, NOT_TAKEN_REASONS, FIELD_CODES, CONNECTION_REASONS];
    for (const each of tables.flatMap((table) => Object.keys(table)))
      expect(each).toMatch(/^[a-z]+(_[a-z0-9]+)*(_…)?$/);
  });

  test('speaks in whole sentences that fit into a table', () => {
    const sentences = [
      ...Object.values(LINK_ERRORS).flatMap(({ person, operator, action }) => [person, operator, action]),
      ...Object.values(API_ERRORS).map(({ operator }) => operator),
      ...Object.values(MAIL_REASONS),
      ...Object.values(NOT_TAKEN_REASONS),
      ...Object.values(FIELD_CODES),
      ...Object.values(CONNECTION_REASONS).flatMap(({ meaning, action }) => [meaning, action]),
    ];
    for (const sentence of sentences) expect(sentence).toMatch(/^[^|\n]+\.$/);
  });

  test('tells people nothing that is for operators', () => {
    for (const { person, action } of Object.values(LINK_ERRORS)) {
      expect(person).not.toMatch(/AADSTS|invalid_|token|OAuth/i);
      expect(action).not.toMatch(/AADSTS|token/i);
    }
    for (const { meaning, action } of Object.values(CONNECTION_REASONS))
      expect(`${meaning} ${action}`).not.toMatch(/AADSTS|invalid_|token|OAuth/i);
  });

  test('explains every status in which a connection sends no more', () => {
    const sendsOrRests = ['connected', 'paused'];
    const stopped = Object.keys(STATUS_WORDS).filter((status) => !sendsOrRests.includes(status));
    expect(stopped.filter((status) => explain(status, '') === undefined)).toEqual([]);
    expect(sendsOrRests.filter((status) => explain(status, '') !== undefined)).toEqual([]);
  });

  test('has no code that nothing mentions', () => {
    const sources = filesBelow('functions', 'shared')
      .filter((file) => file.endsWith('.ts') && !CATALOGUE.includes(file))
      .map(code)
      .join('\n');
    const codes = Object.keys({ ...entries, ...NOT_TAKEN_REASONS, ...FIELD_CODES });
    expect(codes.filter((each) => !sources.includes(`'${each}'`))).toEqual([]);
  });
});
