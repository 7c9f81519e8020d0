import { expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { cookieName, openLink } from '../../../shared/linking/open-link.ts';
import { FakeApp } from '../../fakes/app.ts';
import { Browser, passHours } from './support.ts';

function parametersOf(location: string): URLSearchParams {
  return new URL(location).searchParams;
}

async function opened(browser: Browser, linkUrl: string): Promise<URLSearchParams> {
  const result = await browser.open(linkUrl);
  if (result.kind !== 'redirect') throw new Error(result.page);
  return parametersOf(result.location);
}

test('a link sends its browser to Microsoft with state, nonce, PKCE and the registered redirect URI', async () => {
  const fake = new FakeApp();
  const { linkUrl, linkId } = await fake.start({ loginHint: 'hr@acme.example' });
  const query = await opened(new Browser(fake), linkUrl);
  expect(query.get('state')).toMatch(new RegExp(`^${linkId}\\.[A-Za-z0-9_-]{43}$`));
  expect(query.get('nonce')).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(query.get('codeChallenge')).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(query.get('redirectUri')).toBe('https://hire2retire.example/api/auth/callback/Outlook');
  expect(query.get('loginHint')).toBe('hr@acme.example');
});

test('neither state nor nonce nor cookie is stored in the clear', async () => {
  const fake = new FakeApp();
  const browser = new Browser(fake);
  const { linkUrl, linkId } = await fake.start();
  const query = await opened(browser, linkUrl);
  const stored = JSON.stringify(fake.links.all());
  const planted = [query.get('state')?.split('.')[1], query.get('nonce'), browser.cookies.get(linkId)];
  for (const value of planted) expect(stored).not.toContain(value);
});

test('another browser may not open a link that was opened', async () => {
  const fake = new FakeApp();
  const { linkUrl } = await fake.start();
  await opened(new Browser(fake), linkUrl);
  expect(await new Browser(fake).open(linkUrl)).toEqual({ kind: 'page', page: 'link_used' });
  expect(fake.events.at(-1)).toMatchObject({ level: 'warning', name: 'link.opened_elsewhere' });
});

test('a browser with a cookie of another link is another browser', async () => {
  const fake = new FakeApp();
  const [first, second] = [await fake.start(), await fake.start()];
  await opened(new Browser(fake), first.linkUrl);
  const browser = new Browser(fake);
  await opened(browser, second.linkUrl);
  browser.cookies.set(first.linkId, browser.cookies.get(second.linkId) ?? '');
  expect(await browser.open(first.linkUrl)).toEqual({ kind: 'page', page: 'link_used' });
});

test('the same browser may open a link again: the state is new, the old one is worth nothing', async () => {
  const fake = new FakeApp();
  const browser = new Browser(fake);
  const { linkUrl } = await fake.start();
  const old = await browser.signIn(linkUrl);
  const current = await browser.signIn(linkUrl);
  expect(current.get('state')).not.toBe(old.get('state'));
  expect(await browser.callback(old)).toEqual({ kind: 'page', page: 'link_unknown' });
  expect((await browser.callback(current)).kind).toBe('redirect');
});

test('a link that came back from Microsoft opens for nobody', async () => {
  const fake = new FakeApp();
  const browser = new Browser(fake);
  const { linkUrl } = await fake.start();
  await browser.callback(await browser.signIn(linkUrl));
  expect(await browser.open(linkUrl)).toEqual({ kind: 'page', page: 'link_used' });
});

test('a link of more than 30 minutes has expired, before and after the scan found it', async () => {
  const fake = new FakeApp();
  const { linkUrl } = await fake.start();
  fake.clock.advance(30 * MINUTE);
  expect(await new Browser(fake).open(linkUrl)).toEqual({ kind: 'page', page: 'link_expired' });
  await passHours(fake, 1);
  expect(await new Browser(fake).open(linkUrl)).toEqual({ kind: 'page', page: 'link_expired' });
});

test.each([
  '',
  'x',
  'lnk_00000000000000000000000000000000',
  "lnk_' or 1 eq 1.x",
  `lnk_${'0'.repeat(32)}.${'a'.repeat(43)}`,
])('a ticket that we never handed out is unknown: %j', async (ticket) => {
  const fake = new FakeApp();
  const result = await openLink(fake.app.linking, ticket, () => undefined, fake.invocation());
  expect(result).toEqual({ kind: 'page', page: 'link_unknown' });
});

test('a ticket with another secret is unknown, and changes nothing', async () => {
  const fake = new FakeApp();
  const { linkUrl } = await fake.start();
  const before = fake.links.all();
  const forged = `${linkUrl.slice(0, -4)}AAAA`;
  expect(await new Browser(fake).open(forged)).toEqual({ kind: 'page', page: 'link_unknown' });
  expect(fake.links.all()).toEqual(before);
});

test('of two tabs at once one goes on', async () => {
  const fake = new FakeApp();
  const { linkUrl } = await fake.start();
  const results = await Promise.all([new Browser(fake).open(linkUrl), new Browser(fake).open(linkUrl)]);
  expect(results.map(({ kind }) => kind).sort()).toEqual(['page', 'redirect']);
});

test('the cookie is bound to the very host over https, and to its link', () => {
  expect(cookieName('lnk_1', true)).toBe('__Host-lnk_1');
  expect(cookieName('lnk_1', false)).toBe('lnk_1');
});
