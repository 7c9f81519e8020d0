import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { queueMessageSchema } from '../../shared/mail/message.ts';
import { EXAMPLES, QUEUE_MESSAGE } from '../../tools/contracts/examples.ts';
import { mailMessageSchema } from '../../tools/contracts/mail-message.ts';
import { allEndpoints, contracts } from '../../tools/contracts/main.ts';
import { openapi } from '../../tools/contracts/openapi.ts';
import { OPENAPI, schemaAt } from '../flow/support/contract.ts';
import { read } from './repository.ts';

test.each(Object.entries(contracts()))('%s is what the code says (if not: npm run contracts)', (path, text) => {
  expect(read(path)).toBe(text);
});

describe('the OpenAPI description', () => {
  test('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate({ ...OPENAPI });
    expect(result).toEqual({ valid: true });
  });

  test('names what is missing when an endpoint is not described', () => {
    const [first] = allEndpoints();
    if (!first) throw new Error('there is no endpoint');
    const added = { ...first, name: 'teleport', route: 'teleports/{customerId}' };
    expect(() => openapi([...allEndpoints(), added])).toThrow(
      /^Not described: teleport \(POST teleports\/\{customerId\}\)\. Add/,
    );
  });

  test('has an example for every endpoint that programs call', () => {
    const described = Object.values(OPENAPI.paths).flatMap((each) => Object.values(each));
    const ofPrograms = described.filter(({ responses }) => JSON.stringify(responses).includes('components/schemas/'));
    const contractsThemselves = ['openapi', 'mail-message-schema'];
    const names = ofPrograms
      .map(({ operationId }) => operationId)
      .filter((name) => !contractsThemselves.includes(name));
    expect(Object.keys(EXAMPLES).sort()).toEqual(names.sort());
  });

  const shown = Object.entries(OPENAPI.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => {
      const { body, status, answer } = EXAMPLES[operation.operationId] ?? {};
      const here = ['paths', path, method];
      return [
        ...(body === undefined ? [] : [{ at: [...here, 'requestBody', 'content', 'application/json'], value: body }]),
        ...(answer === undefined
          ? []
          : [{ at: [...here, 'responses', String(status), 'content', 'application/json'], value: answer }]),
      ];
    }),
  );

  test.each(shown)('$at: the example fits its schema', ({ at, value }) => {
    const validate = schemaAt(at);
    validate(value);
    expect(validate.errors).toBeNull();
  });
});

describe('the schema of the queue message', () => {
  const ajv = new Ajv2020({ allErrors: true, strict: true });
  addFormats.default(ajv);
  const validate = ajv.compile(mailMessageSchema());
  const message = (changes: object) => ({ ...QUEUE_MESSAGE, ...changes });
  const many = (count: number) => Array.from({ length: count }, (_, index) => `p${index}@example.com`);

  test('is valid JSON Schema 2020-12', () => {
    expect(ajv.validateSchema(mailMessageSchema())).toBe(true);
  });

  const good: [string, object][] = [
    ['its own example', QUEUE_MESSAGE],
    ['names and addresses of any script', message({ to: [{ address: 'grüße@müller.example', name: 'محمد 🎉' }] })],
    [
      'everything',
      message({
        cc: ['cc@example.com'],
        bcc: many(498),
        replyTo: ['r@example.com'],
        importance: 'high',
        headers: { 'X-Case': '1' },
        saveToSentItems: false,
        sendAt: '2027-01-04T08:00:00+01:00',
        expiresAt: '2027-01-05T08:00:00Z',
        onUncertain: 'resend',
      }),
    ],
    ['a blob instead of the body', message({ body: undefined, attachments: undefined, contentBlob: 'acme/con/x' })],
  ];
  test.each(good)('takes what the app takes: %s', (_, value) => {
    const sent = JSON.parse(JSON.stringify(value)) as unknown;
    expect(queueMessageSchema.safeParse(sent).error?.issues).toBeUndefined();
    validate(sent);
    expect(validate.errors).toBeNull();
  });

  const bad: [string, object][] = [
    ['another version', message({ version: 2 })],
    ['an unknown field', message({ colour: 'red' })],
    ['another sender', message({ from: 'ceo@example.com' })],
    ['an id of the wrong shape', message({ mailId: 'a/b' })],
    ['a connection that can be none', message({ connectionId: 'con_1' })],
    ['no subject', message({ subject: undefined })],
    ['no list to', message({ to: undefined })],
    ['an address that is none', message({ to: ['ada'] })],
    ['501 recipients', message({ to: many(501) })],
    ['five headers', message({ headers: { 'x-1': '', 'x-2': '', 'x-3': '', 'x-4': '', 'x-5': '' } })],
    ['a reserved header', message({ headers: { 'x-ms-exchange': '1' } })],
    ['bytes that are not base64', message({ attachments: [{ name: 'a', contentType: 'a/b', contentBytes: '%' }] })],
    ['a day without a time', message({ sendAt: '2027-01-04' })],
  ];
  test.each([
    ['neither body nor blob', { body: undefined, attachments: undefined }],
    ['body and blob', { contentBlob: 'acme/con/x' }],
    ['attachments beside a blob', { body: undefined, contentBlob: 'acme/con/x' }],
  ])('refuses what is no content, as the description of HTTP does: %s', (_, changes) => {
    const sent = JSON.parse(JSON.stringify(message(changes))) as Record<string, unknown>;
    expect(validate(sent)).toBe(false);
    const { version, customerId, connectionId, ...mail } = sent;
    const submit = '/customers/{customerId}/connections/{connectionId}/mails';
    expect(schemaAt(['paths', submit, 'post', 'requestBody', 'content', 'application/json'])(mail)).toBe(false);
    expect([version, customerId, connectionId]).not.toContain(undefined);
  });

  test.each(bad)('refuses what the app refuses: %s', (_, value) => {
    const sent = JSON.parse(JSON.stringify(value)) as unknown;
    expect(queueMessageSchema.safeParse(sent).success).toBe(false);
    expect(validate(sent)).toBe(false);
  });
});
