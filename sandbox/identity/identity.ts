import type { Account, Directory } from '../directory.ts';
import type { Fault, Journal, Outcome } from '../kit/journal.ts';
import { type Call, json, serve } from '../kit/serve.ts';
import { adminConsent, decideAdminConsent } from './admin-consent.ts';
import type { ApiRegistration } from './api-registration.ts';
import { Applications } from './applications.ts';
import { type Authority, issuerTenant, resolveAuthority } from './authority.ts';
import { AUTHORIZE, authorize, consent, redirectFault, signIn } from './authorize.ts';
import { Contexts } from './contexts.ts';
import { EntraError, errorReply } from './entra-error.ts';
import { errorPage } from './error-page.ts';
import { Grants } from './grants.ts';
import { IdentityJournal } from './identity-journal.ts';
import { masking } from './mask.ts';
import { metadata } from './metadata.ts';
import type { Platform } from './platform.ts';
import { refusals } from './refusals.ts';
import { TOKEN, token } from './token.ts';
import { TokenIssuer, type VerifiedAccessToken } from './tokens.ts';

export interface IdentityOptions {
  readonly directory: Directory;
  /** Preferred port; a free one is taken when it is in use. */
  readonly port?: number;
  /** Redirect URIs registered with each application; asked at each request because the host's port is known later. */
  readonly redirectUris: () => readonly string[];
  /** The API that tokens are asked for, as its settings name it; asked at each request. The directory's unless given. */
  readonly api?: () => ApiRegistration;
  /** Values shown in the `--json` line: never masked in recorded requests. */
  readonly publicValues: readonly string[];
}

/** The running stand-in for the Microsoft identity platform v2.0. */
export interface IdentityPlatform {
  /** `http://localhost:PORT` */
  readonly url: string;
  /** Recorded requests and faults. */
  readonly journal: Journal;
  /** Account and application of a valid access token for Graph issued here; undefined when unknown, for another audience or expired. */
  verifyAccessToken(token: string): VerifiedAccessToken | undefined;
  /** Every refresh token the account has now is refused (50173), until `restore`. */
  revoke(address: string): void;
  /** Every secret the application has now is refused (7000222). */
  expireSecret(clientId: string): void;
  /** The application is refused everywhere (7000112). */
  disableApp(clientId: string): void;
  /** On: a refresh token dies at use. Entra keeps used ones. */
  rotateStrict(on: boolean): void;
  /** Undoes all of the above: dead tokens work again. */
  restore(): void;
  /** The service provider's federated credential names this subject, until `restore`: as when an identity was made anew. */
  trustSubject(principalId: string): void;
  /** Signs with a new key from now on. The ones before stay published, as at Entra. */
  rotateKey(): Promise<void>;
  /** One more accepted client secret, as when a secret is rotated. */
  addSecret(clientId: string, value: string): void;
  close(): Promise<void>;
}

type Endpoint = (call: Call, authority: Authority, platform: Platform, changes: Fault['answer']) => Outcome;

/** What programs call and read errors of as JSON; everything else is a page. */
const JSON_ENDPOINTS: ReadonlySet<string> = new Set([
  'GET v2.0/.well-known/openid-configuration',
  'GET discovery/v2.0/keys',
  `POST ${TOKEN}`,
]);

export async function startIdentity(options: IdentityOptions): Promise<IdentityPlatform> {
  const { directory, redirectUris } = options;
  const platform: Platform = {
    directory,
    applications: new Applications(directory),
    grants: new Grants(),
    issuer: await TokenIssuer.create(directory),
    signIns: new Contexts(),
    consents: new Contexts(),
    adminConsents: new Contexts(),
    redirectUris,
    api: options.api ?? (() => ({ audience: directory.api.clientId, tenantId: directory.api.tenantId })),
  };
  const journal = new IdentityJournal({
    mask: masking(options.publicValues),
    redirect: (call, redirect) => redirectFault(call, redirect, platform),
  });

  const endpoints: Readonly<Record<string, Endpoint>> = {
    'GET v2.0/.well-known/openid-configuration': (_call, authority) => ({
      reply: json(200, metadata(authority, server.url)),
    }),
    'GET discovery/v2.0/keys': (_call, authority) => ({
      reply: json(200, platform.issuer.keys(issuerTenant(authority))),
    }),
    [`GET ${AUTHORIZE}`]: authorize,
    'POST login': signIn,
    'POST consent': consent,
    [`POST ${TOKEN}`]: token,
    'GET v2.0/adminconsent': adminConsent,
    'POST adminconsent': decideAdminConsent,
  };

  const recorded = journal.wrap((call, fault) => {
    const { segment, name } = endpointOf(call);
    try {
      const authority = resolveAuthority(directory, segment);
      if (!authority) throw new EntraError(refusals.tenantNotFound(segment));
      return endpoints[name]?.(call, authority, platform, fault?.answer) ?? { reply: NOT_FOUND };
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      const reply = JSON_ENDPOINTS.has(name) ? errorReply(call, error.refusal) : errorPage(call, error.refusal);
      return { reply, taken: false };
    }
  });

  const server = await serve({
    ...(options.port !== undefined && { port: options.port }),
    // A browser asks for /favicon.ico by itself: neither recorded nor met by faults.
    handler: (call) => (Object.hasOwn(endpoints, endpointOf(call).name) ? recorded(call) : NOT_FOUND),
    maxBody: 256 * 1024,
  });

  return {
    url: server.url,
    journal,
    verifyAccessToken: (accessToken) => platform.issuer.verifyAccessToken(accessToken),
    revoke: (address) => platform.grants.revoke(accountOf(directory, address)),
    expireSecret: (clientId) => platform.applications.expireSecrets(clientId),
    disableApp: (clientId) => platform.applications.disable(clientId),
    rotateStrict: (on) => platform.grants.rotateStrict(on),
    restore: () => {
      platform.grants.restore();
      platform.applications.restore();
    },
    trustSubject: (principalId) => {
      platform.applications.trustedSubject = principalId;
    },
    rotateKey: () => platform.issuer.rotate(),
    addSecret: (clientId, value) => platform.applications.addSecret(clientId, value),
    close: () => server.close(),
  };
}

const NOT_FOUND = { status: 404, headers: { 'content-type': 'text/plain' }, body: 'Nothing is here.' } as const;

/** `/{tenant}/…` as its tenant segment and a name such as `GET oauth2/v2.0/authorize`. */
function endpointOf({ method, url }: Call): { readonly segment: string; readonly name: string } {
  const [, segment = '', ...rest] = url.pathname.split('/');
  return { segment: decoded(segment), name: `${method} ${rest.join('/')}` };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function accountOf(directory: Directory, address: string): Account {
  const account = directory.accounts.find((candidate) => candidate.address.toLowerCase() === address.toLowerCase());
  if (!account) throw new Error(`No account has the address ${address}.`);
  return account;
}
