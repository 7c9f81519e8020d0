import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ROOT } from '../../tools/infra-sets.ts';

interface Application {
  readonly appId: string;
  readonly displayName: string;
  readonly signInAudience: string;
  readonly redirectUris: readonly string[];
  readonly requiredResourceAccess: readonly unknown[];
  readonly servicePrincipal?: string;
  readonly credentials: readonly unknown[];
}
interface State {
  readonly applications: readonly Application[];
  readonly changes: readonly string[];
}

const IDENTITY = '77777777-7777-4777-8777-777777777777';
const REDIRECT = 'https://mail.example.com/api/auth/callback/Outlook';
/** Of the first application that the stand-in registers. */
const CLIENT_ID = 'aaaaaaaa-0000-4000-8000-000000000000';
const ARGUMENTS = ['--redirect-uri', REDIRECT, '--identity', IDENTITY];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'register-'));
  copyFileSync(fileURLToPath(new URL('support/fake-az.mjs', import.meta.url)), join(folder, 'az'));
  // Without an ending, node takes the file for an ES module only when its folder says so.
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  chmodSync(join(folder, 'az'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

function register(...args: string[]) {
  const PATH = `${folder}${delimiter}${process.env['PATH']}`;
  const env = { ...process.env, PATH, FAKE_AZ_STATE: join(folder, 'state.json') };
  const { status, stdout, stderr } = spawnSync('bash', [join(ROOT, 'infra/register-application.sh'), ...args], {
    encoding: 'utf8',
    env,
  });
  return { status, stdout, stderr };
}

function state(): State {
  const file = join(folder, 'state.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as State) : { applications: [], changes: [] };
}

it('registers the application: any organization, one redirect URI, Mail.Send and offline_access, and no secret', () => {
  const { status, stdout, stderr } = register(...ARGUMENTS);
  expect([status, stderr]).toEqual([0, '']);
  expect(state().applications).toEqual([
    {
      appId: 'aaaaaaaa-0000-4000-8000-000000000000',
      displayName: 'Hire2Retire',
      signInAudience: 'AzureADMultipleOrgs',
      redirectUris: [REDIRECT],
      requiredResourceAccess: [
        {
          resourceAppId: '00000003-0000-0000-c000-000000000000',
          resourceAccess: [
            { id: '7427e0e9-2fba-42fe-b0c0-848c9e6a8182', type: 'Scope' },
            { id: 'e383f46e-2787-4529-855e-0e479a3ffac0', type: 'Scope' },
          ],
        },
      ],
      servicePrincipal: 'bbbbbbbb-0000-4000-8000-000000000000',
      credentials: [
        {
          name: 'outlook-sender-77777777',
          issuer: 'https://login.microsoftonline.com/55555555-5555-4555-8555-555555555555/v2.0',
          subject: IDENTITY,
          audiences: ['api://AzureADTokenExchange'],
        },
      ],
    },
  ]);
  expect(stdout).toContain('Client ID: aaaaaaaa-0000-4000-8000-000000000000');
  expect(stdout).toContain('publisher verification');
});

it('changes nothing the second time', () => {
  register(...ARGUMENTS);
  const first = state();
  const { status } = register(...ARGUMENTS, '--client-id', CLIENT_ID);
  expect(status).toBe(0);
  expect(state()).toEqual(first);
});

it('leaves an application alone that only has the same name', () => {
  register(...ARGUMENTS);
  const first = state();
  for (const more of [[], ['--dry-run']]) {
    const { status, stderr } = register(...ARGUMENTS, ...more);
    expect(status).toBe(1);
    expect(stderr).toContain(CLIENT_ID);
    expect(stderr).toContain('--client-id');
  }
  expect(state()).toEqual(first);
});

it('changes what is other than it should be, and nothing else', () => {
  register(...ARGUMENTS);
  const { changes } = state();
  register(...ARGUMENTS, '--client-id', CLIENT_ID, '--audience', 'common');
  expect(state().changes.slice(changes.length)).toEqual(['ad app update']);
  expect(state().applications).toMatchObject([
    { redirectUris: [REDIRECT], signInAudience: 'AzureADandPersonalMicrosoftAccount', tokenVersion: 2 },
  ]);
});

it('registers an application for personal accounts too, which Entra takes with tokens of version 2 alone', () => {
  const { status, stderr } = register(...ARGUMENTS, '--audience', 'common');
  expect([status, stderr]).toEqual([0, '']);
  expect(state().applications).toMatchObject([{ tokenVersion: 2 }]);
  const first = state();
  register(...ARGUMENTS, '--client-id', CLIENT_ID, '--audience', 'common');
  expect(state()).toEqual(first);
});

it('adds a redirect URI to those that are there, and takes others away only when it is told so', () => {
  const moved = 'https://other.example.com/api/auth/callback/Outlook';
  const other = ['--redirect-uri', moved, '--identity', IDENTITY, '--client-id', CLIENT_ID];
  register(...ARGUMENTS);
  register(...other);
  expect(state().applications).toMatchObject([{ redirectUris: [REDIRECT, moved] }]);
  const { changes } = state();
  register(...other);
  expect(state().changes).toEqual(changes);
  register(...other, '--replace');
  expect(state().applications).toMatchObject([{ redirectUris: [moved] }]);
});

it('trusts a second identity beside the first: whoever runs already is not locked out', () => {
  const other = '88888888-8888-4888-8888-888888888888';
  register(...ARGUMENTS);
  register('--redirect-uri', REDIRECT, '--identity', other, '--client-id', CLIENT_ID);
  expect(state().applications).toMatchObject([
    {
      credentials: [
        { name: 'outlook-sender-77777777', subject: IDENTITY },
        { name: 'outlook-sender-88888888', subject: other },
      ],
    },
  ]);
});

it('repairs a trust whose issuer, subject or audience is another', () => {
  register(...ARGUMENTS);
  const right = state();
  for (const wrong of [{ issuer: 'https://x' }, { subject: 'x' }, { audiences: ['api://x'] }]) {
    const broken = structuredClone(right);
    Object.assign(broken.applications[0]?.credentials[0] ?? {}, wrong);
    writeFileSync(join(folder, 'state.json'), JSON.stringify(broken));
    expect(register(...ARGUMENTS, '--client-id', CLIENT_ID).status).toBe(0);
    expect(state().applications).toEqual(right.applications);
  }
});

it('says so when there is no such application', () => {
  const { status, stderr } = register(...ARGUMENTS, '--client-id', IDENTITY);
  expect(status).toBe(1);
  expect(stderr).toContain(`There is no application ${IDENTITY}`);
  expect(state().changes).toEqual([]);
});

it('prints what it would do, and does nothing, when it is told so', () => {
  const { status, stdout } = register(...ARGUMENTS, '--dry-run');
  expect(status).toBe(0);
  expect(state()).toEqual({ applications: [], changes: [] });
  for (const line of ['Creates the application: az ad app create', 'Trusts the managed identity: az ad app federated'])
    expect(stdout).toContain(line);
  register(...ARGUMENTS);
  expect(register(...ARGUMENTS, '--client-id', CLIENT_ID, '--dry-run').stdout).not.toContain('az ad ');
});

it('takes a name with a quote in it', () => {
  const { status, stderr } = register(...ARGUMENTS, '--name', "Robo's mail");
  expect([status, stderr]).toEqual([0, '']);
  expect(register(...ARGUMENTS, '--name', "Robo's mail").status).toBe(1);
  expect(state().applications.map(({ displayName }) => displayName)).toEqual(["Robo's mail"]);
});

it.each([
  ['another path', ['--redirect-uri', 'https://mail.example.com/callback', '--identity', IDENTITY]],
  ['http', ['--redirect-uri', REDIRECT.replace('https', 'http'), '--identity', IDENTITY]],
  ['no identity', ['--redirect-uri', REDIRECT]],
  ['an identity by name', ['--redirect-uri', REDIRECT, '--identity', 'id-outlook-sender']],
  ['a client ID by name', [...ARGUMENTS, '--client-id', 'Hire2Retire']],
  ['an unknown audience', [...ARGUMENTS, '--audience', 'everybody']],
  ['an unknown option', [...ARGUMENTS, '--secret', 'x']],
  ['an option without its value', [...ARGUMENTS, '--name']],
])('refuses %s before it asks Microsoft anything', (_what, args) => {
  const { status, stderr } = register(...args);
  expect(status).toBe(1);
  expect(stderr).not.toBe('');
  expect(state().changes).toEqual([]);
});
