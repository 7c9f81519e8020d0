import type { Connection, StartedLink } from './api.ts';
import type { Flow } from './flow.ts';
import type { FormBrowser, Page } from './form-browser.ts';
import { attributeOf } from './html.ts';
import { CUSTOMER } from './mails.ts';

/** Links a mailbox through the service provider's application. Returns the connectionId. */
export async function linkMailbox(flow: Flow, address: string, browser = flow.browser()): Promise<string> {
  const { linkId, linkUrl } = await startLink(flow, { displayName: address, expectedMailbox: address });
  const back = await comeBack(browser, linkUrl, address);
  const { status, text } = await flow.api.call('POST', `/auth/link/Outlook/${linkId}/confirm`, { body: proof(back) });
  if (status >= 300) throw new Error(`${address} is not linked: ${text}`);
  return (JSON.parse(text) as Connection).connectionId;
}

/** The same through Hire2Retire's pages, whose return page sends a test mail. */
export async function linkThroughPages(flow: Flow, address: string, browser = flow.browser()): Promise<string> {
  const tab = await browser.open(`${flow.sandbox.info.hire2retire}/service-provider`);
  const signInPage = await browser.click(tab, 'Link account', { expectedMailbox: address });
  return connectionOn(await signIn(browser, signInPage, address), address);
}

/** Picks an account on the sign-in page and accepts what is asked. */
export async function signIn(browser: FormBrowser, page: Page, address: string, stopAt?: string): Promise<Page> {
  return browser.click(await browser.click(page, address), 'Accept', {}, stopAt);
}

/** The connection that `/connections` lists for an address. */
export function connectionOn(page: Page, address: string): string {
  const card = cardOf(page, address);
  const id = card && attributeOf(card, 'data-connection-id');
  if (!id) throw new Error(`${address} is not listed at ${page.url}: ${page.text}`);
  return id;
}

/** HTML of one connection's card. */
export function cardOf(page: Page, address: string): string | undefined {
  return page.body
    .match(/<article .*?<\/article>/gs)
    ?.find((card) => new RegExp(`<h2[^>]*>${address.replaceAll('.', '\\.')}</h2>`).test(card));
}

/** Body of a link start through the service provider's application. */
export function linkRequest(changes: object = {}): object {
  const application = { kind: 'serviceProvider' };
  return { customerId: CUSTOMER, startedBy: 'session-of-ada', returnTo: 'settings', application, ...changes };
}

export function startLink(flow: Flow, changes: object = {}): Promise<StartedLink> {
  return flow.api.expect<StartedLink>(201, 'POST', '/auth/link/Outlook', { body: linkRequest(changes) });
}

/** Follows a link up to the redirect back to Hire2Retire, which is not followed: nothing is confirmed yet. */
export async function comeBack(browser: FormBrowser, linkUrl: string, address: string): Promise<URLSearchParams> {
  const back = await signIn(browser, await browser.open(linkUrl), address, '/return?');
  if (back.location === undefined) throw new Error(`No way back to Hire2Retire from ${back.url}: ${back.text}`);
  return new URL(back.location).searchParams;
}

/** Body of a confirm by the session that started. */
export function proof(back: URLSearchParams, changes: object = {}): object {
  return {
    customerId: CUSTOMER,
    startedBy: 'session-of-ada',
    confirmation: back.get('confirmation') ?? '',
    ...changes,
  };
}
