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
          name: 'outlook-sender',
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
  const { status } = register(...ARGUMENTS);
  expect(status).toBe(0);
  expect(state()).toEqual(first);
});

it('changes what is other than it should be, and nothing else', () => {
  register(...ARGUMENTS);
  const { changes } = state();
  const moved = 'https://other.example.com/api/auth/callback/Outlook';
  const other = '88888888-8888-4888-8888-888888888888';
  register('--redirect-uri', moved, '--identity', other, '--audience', 'common');
  expect(state().changes.slice(changes.length)).toEqual([
    'ad app update',
    'ad app update',
    'ad app federated-credential update',
  ]);
  expect(state().applications).toMatchObject([
    { redirectUris: [moved], signInAudience: 'AzureADandPersonalMicrosoftAccount', credentials: [{ subject: other }] },
  ]);
});

it('prints what it would do, and does nothing, when it is told so', () => {
  const { status, stdout } = register(...ARGUMENTS, '--dry-run');
  expect(status).toBe(0);
  expect(state()).toEqual({ applications: [], changes: [] });
  for (const line of ['Creates the application: az ad app create', 'Trusts the managed identity: az ad app federated'])
    expect(stdout).toContain(line);
  register(...ARGUMENTS);
  expect(register(...ARGUMENTS, '--dry-run').stdout).not.toContain('az ad ');
});

it('takes a name with a quote in it', () => {
  register(...ARGUMENTS, '--name', "Robo's mail");
  const { status } = register(...ARGUMENTS, '--name', "Robo's mail");
  expect(status).toBe(0);
  expect(state().applications.map(({ displayName }) => displayName)).toEqual(["Robo's mail"]);
});

it.each([
  ['another path', ['--redirect-uri', 'https://mail.example.com/callback', '--identity', IDENTITY]],
  ['http', ['--redirect-uri', REDIRECT.replace('https', 'http'), '--identity', IDENTITY]],
  ['no identity', ['--redirect-uri', REDIRECT]],
  ['an identity by name', ['--redirect-uri', REDIRECT, '--identity', 'id-outlook-sender']],
  ['an unknown audience', [...ARGUMENTS, '--audience', 'everybody']],
  ['an unknown option', [...ARGUMENTS, '--secret', 'x']],
  ['an option without its value', [...ARGUMENTS, '--name']],
])('refuses %s before it asks Microsoft anything', (_what, args) => {
  const { status, stderr } = register(...args);
  expect(status).toBe(1);
  expect(stderr).not.toBe('');
  expect(state().changes).toEqual([]);
});
