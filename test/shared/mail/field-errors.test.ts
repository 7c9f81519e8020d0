import { describe, expect, test } from 'vitest';
import { patchConnectionSchema } from '../../../shared/connections/change-connection.ts';
import { rotateSecretSchema } from '../../../shared/connections/rotate-secret.ts';
import { leaversSchema } from '../../../shared/customers/leavers.ts';
import { startLinkSchema } from '../../../shared/linking/requests.ts';
import { resolveManySchema, resolveSchema } from '../../../shared/mail/act-on-mail.ts';
import { checkFields, namedPointer, ownPointer } from '../../../shared/mail/field-errors.ts';
import { mailSchema, queueMessageSchema } from '../../../shared/mail/message.ts';
import { QUEUE_MESSAGE } from '../../../tools/contracts/examples.ts';

type Schema = Parameters<typeof checkFields>[0];

const errorsOf = (schema: Schema, value: unknown) => checkFields(schema, value).errors ?? [];
const told = (schema: Schema, value: unknown) =>
  errorsOf(schema, value).map(({ pointer, code, detail }) => [pointer, code, detail]);

describe('a field that is missing is required', () => {
  test.each([
    ['text', mailSchema, { to: [] }, '/subject'],
    ['a list', mailSchema, { subject: '' }, '/to'],
    ['a fixed value', queueMessageSchema, { ...QUEUE_MESSAGE, version: undefined }, '/version'],
    ['one of several values', resolveSchema, { attempt: 1 }, '/as'],
    ['one of several values in a list', resolveManySchema, { items: [{ mailId: 'm', attempt: 1 }] }, '/items/0/as'],
    [
      'what chooses between forms',
      startLinkSchema.pick({ application: true }),
      { application: {} },
      '/application/kind',
    ],
    ['an object', startLinkSchema.pick({ application: true }), {}, '/application'],
    [
      'base64',
      mailSchema.pick({ attachments: true }),
      { attachments: [{ name: 'a', contentType: 'a/b' }] },
      '/attachments/0/contentBytes',
    ],
  ] satisfies [string, Schema, unknown, string][])('%s', (_what, schema, value, pointer) => {
    expect(told(schema, value)).toEqual([[pointer, 'required', 'This field is required.']]);
  });
});

describe('what is wrong is said in plain words', () => {
  test.each([
    [mailSchema, { to: 'a', subject: 'x' }, ['/to', 'wrong_type', 'must be a list']],
    [mailSchema, { to: [], subject: 7 }, ['/subject', 'wrong_type', 'must be a text']],
    [
      mailSchema,
      { to: [], subject: '', importance: 'urgent' },
      ['/importance', 'invalid', 'must be "low" or "normal" or "high"'],
    ],
    [queueMessageSchema, { ...QUEUE_MESSAGE, version: 2 }, ['/version', 'invalid', 'must be 1']],
    [resolveManySchema, { items: [] }, ['/items', 'too_small', 'must have at least 1 item']],
    [resolveSchema, { attempt: -1, as: 'sent' }, ['/attempt', 'too_small', 'must be at least 0']],
    [mailSchema, { to: [], subject: '', colour: 1 }, ['/colour', 'unknown_field', 'There is no such field.']],
    [
      startLinkSchema.pick({ application: true }),
      { application: { kind: 'both' } },
      ['/application/kind', 'invalid', 'is none of the forms that this field may have'],
    ],
  ] satisfies [Schema, unknown, string[]][])('%#', (schema, value, expected) => {
    expect(told(schema, value)).toEqual([expected]);
  });

  // Every schema at once, with values of every wrong type: none answers in the words of the library.
  const schemas: Schema[] = [
    mailSchema,
    queueMessageSchema,
    startLinkSchema,
    patchConnectionSchema,
    rotateSecretSchema,
    leaversSchema,
    resolveManySchema,
  ];
  const wrong = [null, 7, true, 'x', '', [], [7], {}, { a: 1 }, 'x'.repeat(5000)];

  test('by every field of every request', () => {
    const details = schemas.flatMap((schema) => {
      const { shape } = schema as unknown as { shape: Record<string, unknown> };
      return wrong.flatMap((value) => [
        ...errorsOf(schema, value),
        ...Object.keys(shape).flatMap((name) => errorsOf(schema, { [name]: value })),
      ]);
    });
    expect(details.length).toBeGreaterThan(300);
    expect(
      details.filter(({ detail }) => /invalid|expected|received|pattern|undefined|Too (big|small)/i.test(detail)),
    ).toEqual([]);
  });
});

test('a pointer names fields and headers, and nothing that a producer could hide in a name', () => {
  expect(namedPointer('/body/charset')).toBe('/body/charset');
  expect(namedPointer('/headers/x-ms-exchange')).toBe('/headers/x-ms-exchange');
  expect(namedPointer('/to/3/name')).toBe('/to/3/name');
  expect(namedPointer('/headers/x-ada@example.com')).toBe('/headers/…');
  expect(namedPointer(`/${'x'.repeat(101)}/a b/\n`)).toBe('/…/…/…');
  expect(namedPointer('')).toBe('');
});

test('a pointer in the log ends where the producer’s own words begin', () => {
  expect(ownPointer('/to/3/name')).toBe('/to/3/name');
  expect(ownPointer('/body/charset')).toBe('/body');
  expect(ownPointer('/headers/x-case-of-ada')).toBe('/headers');
  expect(ownPointer('/colour')).toBe('');
});
