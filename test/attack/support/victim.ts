import { expect } from 'vitest';
import type { Connection, LinkState, List, StartedLink } from '../../flow/support/api.ts';
import type { Flow } from '../../flow/support/flow.ts';
import type { FormBrowser } from '../../flow/support/form-browser.ts';
import { comeBack, proof, signIn, startLink } from '../../flow/support/link.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly location: string | null;
}

/** One request as an attacker's tool sends it: no cookie jar, no redirect followed. */
export async function send(url: string, init: RequestInit = {}): Promise<Answered> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  const { status, headers } = response;
  return { status, headers, text: await response.text(), location: headers.get('location') };
}

/** Opens a link, signs in and consents; returns the callback URL that Microsoft sends the browser to. Not followed. */
export async function callbackUrl(browser: FormBrowser, linkUrl: string, address: string): Promise<string> {
  const stopped = await signIn(browser, await browser.open(linkUrl), address, '/auth/callback/');
  if (stopped.location === undefined) throw new Error(`Microsoft sent nobody back: ${stopped.text}`);
  return stopped.location;
}

/** `name=value` of the cookie that binds a link to a browser. */
export function linkCookie(browser: FormBrowser, linkId: string): string {
  const lines = browser.history.flatMap(({ headers }) => headers.getSetCookie());
  const cookie = lines.findLast((line) => line.startsWith(`${linkId}=`))?.split(';')[0];
  if (cookie === undefined) throw new Error(`No cookie for ${linkId}`);
  return cookie;
}

/** The address with some parameters of its query replaced, or left out where undefined. */
export function withQuery(url: string, changes: Readonly<Record<string, string | undefined>>): string {
  const changed = new URL(url);
  for (const [name, value] of Object.entries(changes))
    if (value === undefined) changed.searchParams.delete(name);
    else changed.searchParams.set(name, value);
  return changed.href;
}

export function confirmPath(linkId: string): string {
  return `/auth/link/Outlook/${linkId}/confirm`;
}

export async function stateOf(flow: Flow, linkId: string, customerId = 'acme'): Promise<LinkState> {
  return flow.api.expect<LinkState>(200, 'GET', `/auth/link/Outlook/${linkId}?customerId=${customerId}`);
}

/** A started link with somebody's way back from Microsoft, up to the confirmation. */
export interface Authorized extends StartedLink {
  readonly back: URLSearchParams;
  readonly browser: FormBrowser;
}

export async function authorize(flow: Flow, address: string, changes: object = {}): Promise<Authorized> {
  const started = await startLink(flow, changes);
  const browser = flow.browser();
  return { ...started, browser, back: await comeBack(browser, started.linkUrl, address) };
}

/** Links a mailbox for a customer, without the pages of Hire2Retire. */
export async function linkFor(flow: Flow, customerId: string, address: string, changes: object = {}) {
  const { linkId, back } = await authorize(flow, address, { customerId, ...changes });
  const body = proof(back, { customerId });
  return flow.api.expect<Connection>(201, 'POST', confirmPath(linkId), { body });
}

export async function mailboxesOf(flow: Flow, customerId: string): Promise<string[]> {
  const { items } = await flow.api.expect<List<Connection>>(200, 'GET', `/customers/${customerId}/connections`);
  return items.map(({ mailbox }) => mailbox.signInName);
}

/** How often a code was exchanged for tokens. */
export async function redemptions(flow: Flow): Promise<number> {
  const requests = await flow.requests('identity');
  return requests.filter(({ body }) => body.includes('grant_type=authorization_code')).length;
}

/** A plain page: no way on, no cookie, and nothing of what was sent. */
export function expectPage(answered: Answered, status: number, title: string, ...sent: readonly string[]): void {
  expect([answered.status, answered.location]).toEqual([status, null]);
  expect(answered.text).toContain(`<h1>${title}</h1>`);
  expect(answered.headers.getSetCookie()).toEqual([]);
  for (const each of sent) expect(answered.text).not.toContain(each);
}

/** Time cannot be turned forward in another process, so the end of a link is moved into the past. */
export async function letExpire(flow: Flow, linkId: string): Promise<void> {
  const expiresAt = new Date(Date.now() - 1000).toISOString();
  await flow.table('links').updateEntity({ partitionKey: linkId, rowKey: 'link', expiresAt }, 'Merge');
}

/** Attacks leave links open. Without it the bound of ten would end the next test instead of the product's answer. */
export async function freeSlots(flow: Flow, customerId = 'acme'): Promise<void> {
  await flow
    .table('links')
    .deleteEntity(`c|${customerId}`, 'open')
    .catch(() => undefined);
}
