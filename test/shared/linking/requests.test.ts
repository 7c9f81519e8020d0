import { describe, expect, test } from 'vitest';
import { check } from '../../../functions/http/input.ts';
import { AppError } from '../../../shared/errors.ts';
import { confirmLinkSchema, startLinkSchema } from '../../../shared/linking/requests.ts';

const GUID = 'c0570e00-0000-4000-8000-000000000001';
const OWN = { kind: 'customerOwned', clientId: GUID, clientSecret: 'Acme~client.secret-0001' };
const VALID = { customerId: 'acme', startedBy: 'ada', returnTo: 'settings', application: { kind: 'serviceProvider' } };

function refusal(body: unknown): { code: string; pointers: string[] } {
  try {
    check(startLinkSchema, body, '');
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, pointers: [...new Set((error.options.errors ?? []).map(({ pointer }) => pointer))] };
  }
  throw new Error('it was accepted');
}

const withOwn = (fields: Record<string, unknown>) => ({ ...VALID, application: { ...OWN, ...fields } });

describe('the body that starts a link', () => {
  test.each([
    ['the least', VALID],
    ['a customer’s application', withOwn({})],
    ['a tenant by GUID', withOwn({ tenant: 'A0A0A0A0-1111-4111-8111-000000000001' })],
    ['a tenant by domain', withOwn({ tenant: 'Acme.OnMicrosoft.com' })],
    ['a secret that looks unusual', withOwn({ clientSecret: '.a~B_c-D!e#f$g%h' })],
    ['a sign-in name with a plus sign', { ...VALID, loginHint: 'hr+mail@acme.example' }],
  ])('is accepted with %s', (_, body) => {
    expect(() => check(startLinkSchema, body, '')).not.toThrow();
  });

  test.each(['common', 'organizations', 'consumers', 'Common', '9188040d-6c67-4c5b-b112-36a304b66dad'])(
    'refuses the tenant %s, which is none',
    (tenant) => {
      expect(refusal(withOwn({ tenant }))).toEqual({ code: 'invalid_request', pointers: ['/application/tenant'] });
    },
  );

  test.each([
    'acme.example/../common',
    'acme.example?x=1',
    'acme example',
    'http://acme.example',
    '.acme.example',
    'a..b',
  ])('refuses %s as a tenant: nothing of a caller reaches a URL but a GUID or a host name', (tenant) => {
    expect(refusal(withOwn({ tenant })).pointers).toEqual(['/application/tenant']);
  });

  test.each([GUID, GUID.toUpperCase(), ` ${GUID} `])('knows the ID of a secret from its value: %j', (clientSecret) => {
    expect(refusal(withOwn({ clientSecret }))).toEqual({
      code: 'secret_is_id',
      pointers: ['/application/clientSecret'],
    });
  });

  test.each(['short', 'two words in it', 'tab\there-and-more', 'ümlaut-in-secret', ''])(
    'refuses %j as a client secret',
    (clientSecret) => {
      expect(refusal(withOwn({ clientSecret })).pointers).toEqual(['/application/clientSecret']);
    },
  );

  test.each([
    ['startedBy', '/startedBy'],
    ['customerId', '/customerId'],
    ['returnTo', '/returnTo'],
    ['application', '/application'],
  ])('requires %s', (name, pointer) => {
    const { [name as 'startedBy']: _, ...rest } = VALID;
    expect(refusal(rest)).toEqual({ code: 'invalid_request', pointers: [pointer] });
  });

  test('refuses an empty startedBy: a link belongs to a session', () => {
    expect(refusal({ ...VALID, startedBy: '' }).pointers).toEqual(['/startedBy']);
  });

  test.each([
    ['at the top', { ...VALID, returnUrl: 'https://evil.example' }, '/returnUrl'],
    ['of an application', withOwn({ authority: 'https://evil.example' }), '/application/authority'],
    [
      'of RoboMQ’s application',
      { ...VALID, application: { kind: 'serviceProvider', clientId: GUID } },
      '/application/clientId',
    ],
  ])('refuses unknown fields %s', (_, body, pointer) => {
    expect(refusal(body).pointers).toContain(pointer);
  });

  test.each([
    ['a connection id of another shape', { connectionId: 'lnk_00000000000000000000000000000000' }, '/connectionId'],
    ['a customer id with a slash', { customerId: 'acme/other' }, '/customerId'],
    ['a display name of two lines', { displayName: 'HR\nBcc: x' }, '/displayName'],
    ['an address without a domain', { expectedMailbox: 'hr' }, '/expectedMailbox'],
    ['an address with two at signs', { loginHint: 'hr@acme.example@evil.example' }, '/loginHint'],
    ['a return URL instead of a name', { returnTo: 'https://evil.example' }, '/returnTo'],
  ])('refuses %s', (_, fields, pointer) => {
    expect(refusal({ ...VALID, ...fields }).pointers).toEqual([pointer]);
  });

  test('refuses a client id that is no GUID, and a secret that is over', () => {
    expect(refusal(withOwn({ clientId: 'my-app' })).pointers).toEqual(['/application/clientId']);
    expect(refusal(withOwn({ clientSecretExpiresOn: '2020-01-01' })).pointers).toEqual([
      '/application/clientSecretExpiresOn',
    ]);
    expect(refusal(withOwn({ clientSecretExpiresOn: '22.11.2028' })).pointers).toEqual([
      '/application/clientSecretExpiresOn',
    ]);
  });

  test('is never quoted in the refusal', () => {
    try {
      check(startLinkSchema, withOwn({ clientSecret: 'planted secret value' }), '');
    } catch (error) {
      expect(JSON.stringify(error instanceof AppError && { ...error.options, message: error.message })).not.toContain(
        'planted',
      );
    }
  });
});

test('the body of a confirm is strict and names the session', () => {
  const body = { customerId: 'acme', startedBy: 'ada', confirmation: 'x' };
  expect(confirmLinkSchema.safeParse(body).success).toBe(true);
  expect(confirmLinkSchema.safeParse({ ...body, startedBy: undefined }).success).toBe(false);
  expect(confirmLinkSchema.safeParse({ ...body, code: 'x' }).success).toBe(false);
});
