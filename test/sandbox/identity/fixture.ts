import { createHash, randomBytes } from 'node:crypto';
import { sandboxDirectory } from '../../../sandbox/directory.ts';
import { type IdentityPlatform, startIdentity } from '../../../sandbox/identity/identity.ts';

export const directory = sandboxDirectory();
export const { serviceProvider, customerOwned, customerOwnedSingleTenant } = directory.applications;
export const REDIRECT_URI = 'http://localhost:7071/api/auth/callback/Outlook';
export const PASSWORD = 'Sandbox-1';
export const SCOPES = ['https://graph.microsoft.com/Mail.Send', 'offline_access', 'openid', 'profile'];
export const [ACME, GLOBEX, ROBOMQ] = directory.tenants.map(({ id }) => id) as [string, string, string];

export function start(publicValues: readonly string[] = []): Promise<IdentityPlatform> {
  return startIdentity({ directory, redirectUris: () => [REDIRECT_URI], publicValues });
}

export interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Text of each button with the field it adds. */
  readonly buttons: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Forms as a simple HTTP client reads them. */
export function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form method="post" action="([^"]+)">(.*?)<\/form>/gs)].map(
    ([, action = '', inner = '']) => ({
      action: unescaped(action),
      fields: Object.fromEntries(
        [...inner.matchAll(/<(?:input|select) [^>]*>/g)].map(([tag]) => [
          attribute(tag, 'name'),
          attribute(tag, 'value'),
        ]),
      ),
      buttons: Object.fromEntries(
        [...inner.matchAll(/(<button [^>]*>)(.*?)<\/button>/gs)].map(([, tag = '', text = '']) => [
          unescaped(text),
          attribute(tag, 'name') === '' ? {} : { [attribute(tag, 'name')]: attribute(tag, 'value') },
        ]),
      ),
    }),
  );
}

function attribute(tag: string, name: string): string {
  return unescaped(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
}

function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
}

/** A browser with one page: goes to addresses, presses buttons, stops at the first redirect. */
export class Browser {
  private readonly url: string;
  html = '';
  status = 0;
  headers = new Headers();
  /** Query of the redirect that a form or address answered with. */
  redirected: Record<string, string> | undefined;
  location = '';

  constructor(url: string) {
    this.url = url;
  }

  async goTo(address: string): Promise<this> {
    return this.take(await fetch(new URL(address, this.url), { redirect: 'manual' }));
  }

  async press(button: string, fields: Readonly<Record<string, string>> = {}): Promise<this> {
    const form = formsOf(this.html).find(({ buttons }) => button in buttons);
    if (!form) throw new Error(`no form has the button ${button}: ${this.html}`);
    const body = new URLSearchParams({ ...form.fields, ...fields, ...form.buttons[button] });
    const headers = { origin: this.url, referer: `${this.url}/common/oauth2/v2.0/authorize?state=secret-state` };
    const response = await fetch(new URL(form.action, this.url), { method: 'POST', body, headers, redirect: 'manual' });
    return this.take(response);
  }

  get alert(): string | undefined {
    const text = /role="alert"[^>]*>(.*?)<\/p>/s.exec(this.html)?.[1];
    return text === undefined ? undefined : unescaped(text);
  }

  get heading(): string | undefined {
    return /<h1>(.*?)<\/h1>/.exec(this.html)?.[1];
  }

  private async take(response: Response): Promise<this> {
    this.status = response.status;
    this.headers = response.headers;
    this.location = response.headers.get('location') ?? '';
    this.redirected = this.location ? Object.fromEntries(new URL(this.location).searchParams) : undefined;
    this.html = await response.text();
    return this;
  }
}

export function authorizePath(tenant: string, changes: Readonly<Record<string, string | undefined>> = {}): string {
  const parameters: Record<string, string | undefined> = {
    client_id: serviceProvider.clientId,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    response_mode: 'query',
    scope: SCOPES.join(' '),
    state: 'the-state',
    prompt: 'select_account',
    ...changes,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return `/${tenant}/oauth2/v2.0/authorize?${query}`;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export async function postToken(
  { url }: IdentityPlatform,
  parameters: Readonly<Record<string, string>>,
  tenant = 'common',
): Promise<Answer> {
  const body = new URLSearchParams({
    client_id: serviceProvider.clientId,
    client_secret: serviceProvider.clientSecret,
    ...parameters,
  });
  const response = await fetch(`${url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Signs in by the account's tile and accepts. */
export async function codeFor(
  identity: IdentityPlatform,
  address: string,
  options: {
    readonly tenant?: string;
    readonly changes?: Readonly<Record<string, string>>;
    readonly failure?: string;
  } = {},
): Promise<string> {
  const browser = await new Browser(identity.url).goTo(authorizePath(options.tenant ?? 'common', options.changes));
  if (options.failure === undefined) await browser.press(address);
  else await browser.press('Sign in', { email: address, password: PASSWORD, failure: options.failure });
  await browser.press('Accept');
  return browser.redirected?.['code'] ?? '';
}

export function redeem(
  identity: IdentityPlatform,
  code: string,
  parameters: Readonly<Record<string, string>> = {},
  tenant?: string,
): Promise<Answer> {
  return postToken(
    identity,
    { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, scope: SCOPES.join(' '), ...parameters },
    tenant,
  );
}

export async function refreshTokenFor(identity: IdentityPlatform, address: string): Promise<string> {
  const { body } = await redeem(identity, await codeFor(identity, address));
  return String(body['refresh_token']);
}

export function refresh(
  identity: IdentityPlatform,
  refreshToken: string,
  parameters: Readonly<Record<string, string>> = {},
  tenant?: string,
): Promise<Answer> {
  return postToken(identity, { grant_type: 'refresh_token', refresh_token: refreshToken, ...parameters }, tenant);
}

export function claimsOf(token: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString('utf8'));
}

export function pkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** A token as the managed identity gets it for the token exchange. */
export function assertion(changes: Readonly<Record<string, unknown>> = {}): string {
  const claims = {
    aud: 'api://AzureADTokenExchange',
    iss: `https://login.microsoftonline.com/${ROBOMQ}/v2.0`,
    sub: directory.managedIdentity.principalId,
    exp: Math.floor(Date.now() / 1000) + 600,
    ...changes,
  };
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(claims)}.unsigned`;
}
