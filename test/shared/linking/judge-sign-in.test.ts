import { describe, expect, test } from 'vitest';
import { judgeSignIn } from '../../../shared/linking/judge-sign-in.ts';
import type { Link } from '../../../shared/linking/link.ts';
import { CONSUMERS_TENANT } from '../../../shared/microsoft/endpoints.ts';
import type { IdTokenClaims, SignIn } from '../../../shared/microsoft/identity-platform.ts';
import { FakeApp } from '../../fakes/app.ts';
import { ACME_TENANT, HR_OBJECT } from '../../fakes/microsoft.ts';

const OTHER_TENANT = 'b0b0b0b0-2222-4222-8222-000000000002';
const { cloud } = new FakeApp().config;
const LINK = {
  clientId: 'c0570e00-0000-4000-8000-000000000001',
  authority: 'organizations',
  expectedMailbox: '',
  expectedTenantId: '',
} as Link;

function checkOf(claims: IdTokenClaims, link: Partial<Link> = {}, signIn: Partial<SignIn> = {}): string | undefined {
  const tid = claims.tid ?? ACME_TENANT;
  const whole: SignIn = {
    accessToken: 'at',
    refreshToken: 'rt',
    expiresAt: new Date(),
    scopes: ['https://graph.microsoft.com/Mail.Send'],
    claims: {
      tid,
      oid: HR_OBJECT,
      aud: LINK.clientId,
      iss: `https://login.microsoftonline.com/${tid.toLowerCase()}/v2.0`,
      preferred_username: 'hr@acme.example',
      ...claims,
    },
    ...signIn,
  };
  return judgeSignIn({ ...LINK, ...link }, whole, cloud)?.check;
}

describe('who may be linked', () => {
  test('a member of the tenant, in whatever case Microsoft writes ids', () => {
    expect(checkOf({})).toBeUndefined();
    expect(checkOf({ tid: ACME_TENANT.toUpperCase(), aud: LINK.clientId.toUpperCase() })).toBeUndefined();
    expect(checkOf({ idp: `https://sts.windows.net/${ACME_TENANT}/` })).toBeUndefined();
  });

  test('a personal account is no guest of the tenant of personal accounts', () => {
    expect(checkOf({ tid: CONSUMERS_TENANT, idp: 'live.com' }, { authority: 'common' })).toBeUndefined();
  });

  test.each([
    ['a token without identity', { tid: '' }, 'identity'],
    ['a token without an object', { oid: '' }, 'identity'],
    ['an object that is no GUID', { oid: "x' or true" }, 'identity'],
    ['another audience', { aud: HR_OBJECT }, 'aud'],
    ['no audience', { aud: '' }, 'aud'],
    ['an issuer of another tenant', { iss: `https://login.microsoftonline.com/${OTHER_TENANT}/v2.0` }, 'iss'],
    ['an issuer of another version', { iss: `https://sts.windows.net/${ACME_TENANT}/` }, 'iss'],
    ['a guest of another tenant', { idp: `https://sts.windows.net/${OTHER_TENANT}/` }, 'idp'],
    ['a guest with a personal account', { idp: 'live.com' }, 'idp'],
    ['a guest by mail code', { idp: 'mail' }, 'idp'],
  ])('not with %s', (_, claims, check) => {
    expect(checkOf(claims)).toBe(check);
  });

  test('not an account of another tenant than the one to sign in at', () => {
    expect(checkOf({ tid: OTHER_TENANT }, { authority: ACME_TENANT })).toBe('tid');
    expect(checkOf({ tid: OTHER_TENANT })).toBeUndefined();
  });

  test.each([[[]], [['Mail.Read']], [['Mail.Send.Shared']], [['https://evil.example/Mail.Send']]])(
    'not without the permission to send: %j',
    (scopes) => {
      expect(checkOf({}, {}, { scopes })).toBe('scope');
    },
  );

  test('not without a refresh token', () => {
    expect(checkOf({}, {}, { refreshToken: '' })).toBe('refresh_token');
  });
});

describe('an expected mailbox', () => {
  const expected = { expectedMailbox: 'HR@acme.example', expectedTenantId: ACME_TENANT };

  test('is met by its name in the tenant of its domain', () => {
    expect(checkOf({}, expected)).toBeUndefined();
  });

  test('is not met by its name in another tenant: anybody can name an account so', () => {
    expect(checkOf({ tid: OTHER_TENANT }, expected)).toBe('expected_tenant');
  });

  test('is not met by another name in its tenant, or by none', () => {
    expect(checkOf({ preferred_username: 'eve@acme.example' }, expected)).toBe('expected_mailbox');
    expect(checkOf({ preferred_username: '' }, expected)).toBe('expected_mailbox');
  });
});
