import type { ApiCaller } from '../hire2retire/caller-proof.ts';
import type { SandboxInfo } from './info.ts';

/** What a person reads when the sandbox is ready. */
export function summary(info: SandboxInfo, seconds: number, localSettings: string | undefined): string {
  const { apiCaller: caller, customerOwned: own, customerOwnedSingleTenant: single, users } = info;
  const shown = users.slice(0, 6);
  const password = users[0]?.password ?? '';
  const width = Math.max(...shown.map(({ address }) => address.length));
  const more = users.length > shown.length ? `\n    … and ${users.length - shown.length} more mailboxes` : '';
  return `
  The sandbox is ready (${seconds.toFixed(1)} s). Start here:

    Hire2Retire    ${info.hire2retire}
    Mailbox        ${info.mailbox}   (every mail that was sent)

  Sign in at "Microsoft" as one of these, password ${password}

${shown.map(({ address, kind }) => `    ${address.padEnd(width)}   ${KINDS[kind]}`).join('\n')}${more}

  For programs

    API            ${info.api}
${caller ? tokenLines(caller) : `    Function key   ${localSettings ? 'none: "func start" asks for none' : info.functionKey}`}
    Storage        ${info.storageConnectionString}
    Mail queue     ${info.mailQueue}
    Control        ${info.control}

  Customer-owned application

    Client ID      ${own.clientId}
    Client secret  ${own.clientSecret}
    Tenant         ${own.tenant}   (may be left empty)
    For accounts of one organization only (needs its tenant):
    Client ID      ${single.clientId}
    Client secret  ${single.clientSecret}
${localSettings ? `\n  The functions are not running: ${localSettings} is written, start them with "func start". It is removed with the sandbox.\n` : ''}
  Ctrl+C stops it. Nothing is kept.
`;
}

/** What a program needs for its token, instead of a key. */
function tokenLines({ tokenUrl, clientId, clientSecret, scope }: ApiCaller): string {
  return `    Token          ${tokenUrl}
                   grant_type=client_credentials
                   client_id=${clientId}
                   client_secret=${clientSecret}
                   scope=${scope}`;
}

const KINDS = {
  mailbox: 'has a mailbox',
  noMailbox: 'has no mailbox',
  guest: 'a guest of Acme',
  personal: 'a personal account',
  otherTenant: 'has a mailbox in another organization',
} as const satisfies Record<SandboxInfo['users'][number]['kind'], string>;
