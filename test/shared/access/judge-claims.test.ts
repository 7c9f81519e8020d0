import { describe, expect, test } from 'vitest';
import { judgeClaims } from '../../../shared/access/judge-claims.ts';

const TENANT = 'c0c0c0c0-3333-4333-8333-000000000003';
const PRINCIPAL = '11111111-2222-4333-8444-555555555555';
/** An application token as Entra issues it by default: without `idtyp`. */
const claims = { tid: TENANT, oid: PRINCIPAL, sub: PRINCIPAL, azp: 'the-caller', roles: ['Outlook.Manage'] };

const judge = (changes: object) => judgeClaims({ ...claims, ...changes }, TENANT);

describe('a token that opens the API', () => {
  test.each<[string, object]>([
    ['is an application’s that holds the role', {}],
    ['may say that it is an application’s', { idtyp: 'app' }],
    ['may say so without an object id equal to its subject', { idtyp: 'app', sub: 'another' }],
    ['may say so without any object id', { idtyp: 'app', oid: undefined, sub: undefined }],
    ['may hold further roles', { roles: ['Other.Role', 'Outlook.Manage'] }],
    ['may write the tenant in capitals', { tid: TENANT.toUpperCase() }],
  ])('%s', (_what, changes) => {
    expect(judge(changes)).toBeUndefined();
  });
});

describe('a token that opens nothing', () => {
  test.each<[string, string, object]>([
    ['of another tenant', 'tenant', { tid: 'a0a0a0a0-1111-4111-8111-000000000001' }],
    ['of a person, for delegated use', 'user_token', { scp: 'Outlook.Manage' }],
    ['of a person without any scope', 'user_token', { scp: '' }],
    ['of a person, by type, whatever roles they hold', 'user_token', { idtyp: 'user' }],
    ['of a person who holds the role, without a type', 'user_token', { sub: 'pairwise' }],
    ['of an application, by type, with a scope', 'user_token', { idtyp: 'app', scp: 'x' }],
    ['of a type nobody knows', 'user_token', { idtyp: ['app'] }],
    ['without roles', 'role_missing', { roles: undefined }],
    ['with another role', 'role_missing', { roles: ['Outlook.Read'] }],
    ['with a role of another spelling', 'role_missing', { roles: ['outlook.manage'] }],
    ['with the role as text, not in a list', 'role_missing', { roles: 'Outlook.Manage' }],
    ['that holds the role in a scope', 'user_token', { roles: [], scp: 'Outlook.Manage' }],
    ['without a tenant', 'claims', { tid: undefined }],
    ['with a tenant that is no text', 'claims', { tid: [TENANT] }],
    ['without an object id', 'user_token', { oid: undefined }],
    ['without object id and subject, which are equal then', 'user_token', { oid: undefined, sub: undefined }],
  ])('is one %s: %s', (_what, reason, changes) => {
    expect(judge(changes)).toBe(reason);
  });
});
