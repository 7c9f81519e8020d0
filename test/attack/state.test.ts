import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { proof, startLink } from '../flow/support/link.ts';
import {
  authorize,
  callbackUrl,
  confirmPath,
  expectPage,
  freeSlots,
  letExpire,
  linkCookie,
  send,
  stateOf,
  withQuery,
} from './support/victim.ts';

const NOT_VALID = 'This link is not valid';
const ADDRESS = 'hr@acme.example';
const FORGED = 'A'.repeat(43);

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow();
});
afterEach(() => freeSlots(flow));
afterAll(() => flow?.close());

const callback = (query: Record<string, string>) =>
  `${flow.sandbox.info.api}/auth/callback/Outlook?${new URLSearchParams(query)}`;

describe('the state', () => {
  it('forged: refused, and the link of the victim goes on', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const url = await callbackUrl(browser, linkUrl, ADDRESS);
    const cookie = linkCookie(browser, linkId);
    for (const state of [`${linkId}.${FORGED}`, `${linkId}.`, linkId, `.${FORGED}`, `${linkId}.${FORGED}.${FORGED}`]) {
      const answered = await send(withQuery(url, { state }), { headers: { cookie } });
      expectPage(answered, 400, NOT_VALID, FORGED, linkId);
    }
    expect((await stateOf(flow, linkId)).state).toBe('opened');
    expect((await send(url, { headers: { cookie } })).status).toBe(303);
  });

  it('replayed: works once, whoever sends it again', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const url = await callbackUrl(browser, linkUrl, ADDRESS);
    const headers = { cookie: linkCookie(browser, linkId) };
    expect((await send(url, { headers })).status).toBe(303);
    expectPage(await send(url, { headers }), 400, NOT_VALID);
    // With an error in place of the code it cannot end the link either.
    expectPage(await send(withQuery(url, { code: undefined, error: 'access_denied' }), { headers }), 400, NOT_VALID);
    expect((await stateOf(flow, linkId)).state).toBe('authorized');
  });

  it('replayed after the confirm: the connection is untouched', async () => {
    const { linkId, back, browser } = await authorize(flow, ADDRESS);
    const url = browser.history.find((page) => page.url.includes('/auth/callback/'))?.url ?? '';
    await flow.api.expect(201, 'POST', confirmPath(linkId), { body: proof(back) });
    expectPage(await browser.open(url).then(({ url: at }) => send(at)), 400, NOT_VALID);
    expect((await stateOf(flow, linkId)).state).toBe('connected');
  });

  it('replaced by a newer one when the link is opened again: the older is void', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const first = await callbackUrl(browser, linkUrl, ADDRESS);
    const second = await callbackUrl(browser, linkUrl, ADDRESS);
    const headers = { cookie: linkCookie(browser, linkId) };
    expectPage(await send(first, { headers }), 400, NOT_VALID);
    expect((await send(second, { headers })).status).toBe(303);
  });

  it('swapped between two links of one browser: the code does not fit the other link', async () => {
    const [one, two] = [await startLink(flow), await startLink(flow)];
    const browser = flow.browser();
    const [urlOne, urlTwo] = [
      await callbackUrl(browser, one.linkUrl, ADDRESS),
      await callbackUrl(browser, two.linkUrl, ADDRESS),
    ];
    const code = new URL(urlOne).searchParams.get('code') ?? '';
    const answered = await send(withQuery(urlTwo, { code }), { headers: { cookie: linkCookie(browser, two.linkId) } });
    // The callback cannot know: the verifier of the link does, at the token endpoint.
    const back = new URL(answered.location ?? '').searchParams;
    const problem = await flow.api.expect(409, 'POST', confirmPath(two.linkId), { body: proof(back) });
    expect(problem.code).toBe('sign_in_failed');
    expect((await stateOf(flow, two.linkId)).state).toBe('failed');
  });

  it('of one link with the cookie of another of the same browser: refused', async () => {
    const [one, two] = [await startLink(flow), await startLink(flow)];
    const browser = flow.browser();
    const url = await callbackUrl(browser, one.linkUrl, ADDRESS);
    await browser.open(two.linkUrl);
    const [, value] = linkCookie(browser, two.linkId).split('=');
    for (const cookie of [linkCookie(browser, two.linkId), `${one.linkId}=${value}`])
      expectPage(await send(url, { headers: { cookie } }), 400, NOT_VALID);
    expect((await stateOf(flow, one.linkId)).state).toBe('opened');
  });

  it('of a link whose time is over: the page says so, and nothing is parked', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const url = await callbackUrl(browser, linkUrl, ADDRESS);
    const headers = { cookie: linkCookie(browser, linkId) };
    await letExpire(flow, linkId);
    expectPage(await send(url, { headers }), 409, 'This link has expired');
    expect((await stateOf(flow, linkId)).state).toBe('expired');
    // Also once somebody has asked for the state, which clears the row.
    expectPage(await send(url, { headers }), 409, 'This link has expired');
  });

  it('in place of the ticket, and the ticket in place of the state: neither is the other', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const url = await callbackUrl(browser, linkUrl, ADDRESS);
    const state = new URL(url).searchParams.get('state') ?? '';
    const ticket = new URL(linkUrl).searchParams.get('ticket') ?? '';
    expectPage(await send(`${flow.sandbox.info.api}/auth/open/Outlook?ticket=${state}`), 400, NOT_VALID);
    const cookie = linkCookie(browser, linkId);
    expectPage(await send(withQuery(url, { state: ticket }), { headers: { cookie } }), 400, NOT_VALID);
  });

  it('guessed for a link that nobody opened, or that was never there: the same page', async () => {
    const { linkId } = await startLink(flow);
    const pages = await Promise.all(
      [linkId, `lnk_${'0'.repeat(32)}`].map((id) => send(callback({ state: `${id}.${FORGED}`, code: 'x' }))),
    );
    for (const answered of pages) expectPage(answered, 400, NOT_VALID);
    expect(pages[0]?.text).toBe(pages[1]?.text);
  });
});

describe('a stolen callback URL', () => {
  it('in another browser: refused, and the victim can still finish', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const victim = flow.browser();
    const url = await callbackUrl(victim, linkUrl, ADDRESS);
    expectPage(await send(url), 400, NOT_VALID);
    const thief = flow.browser();
    await thief.open((await startLink(flow)).linkUrl);
    expect((await thief.open(url)).status).toBe(400);
    const back = await victim.open(url, '/return?');
    expect(back.location).toContain(`linkId=${linkId}`);
  });

  it('as an error that would end the link of somebody else: refused', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const victim = flow.browser();
    const url = await callbackUrl(victim, linkUrl, ADDRESS);
    expectPage(await send(withQuery(url, { code: undefined, error: 'access_denied' })), 400, NOT_VALID);
    expect((await stateOf(flow, linkId)).state).toBe('opened');
  });
});

describe('cookies', () => {
  it('tossed: a second cookie of the same name is none at all', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const url = await callbackUrl(browser, linkUrl, ADDRESS);
    const mine = linkCookie(browser, linkId);
    for (const cookie of [`${mine}; ${linkId}=planted`, `${linkId}=planted; ${mine}`, `${mine}; ${mine}`])
      expectPage(await send(url, { headers: { cookie } }), 400, NOT_VALID);
    expect((await send(url, { headers: { cookie: `a=b; ${mine}; __Host-${linkId}=planted` } })).status).toBe(303);
  });

  it('of a name that only looks alike: not taken', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const url = await callbackUrl(browser, linkUrl, ADDRESS);
    const [name = '', value = ''] = linkCookie(browser, linkId).split('=');
    for (const cookie of [
      `${name.toUpperCase()}=${value}`,
      `x${name}=${value}`,
      `${name}="${value}"`,
      `${name}=${value}=`.slice(0, -2),
      `${name}[]=${value}`,
    ])
      expectPage(await send(url, { headers: { cookie } }), 400, NOT_VALID);
  });

  it('planted before the victim opens the link: the link is bound to a fresh one', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const planted = `${linkId}=${'P'.repeat(43)}`;
    const opened = await send(linkUrl, { headers: { cookie: planted } });
    expect(opened.status).toBe(303);
    expect(opened.headers.getSetCookie()[0]).not.toContain('P'.repeat(43));
  });

  it('carry the prefix, Secure, HttpOnly and SameSite where the app is reached over https', async () => {
    const secure = await startFlow({ environment: { PUBLIC_BASE_URL: 'https://mail.robomq.example' } });
    try {
      const { linkId, linkUrl } = await startLink(secure);
      const ticket = new URL(linkUrl).searchParams.get('ticket');
      const opened = await send(`${secure.sandbox.info.api}/auth/open/Outlook?ticket=${ticket}`);
      const [cookie = ''] = opened.headers.getSetCookie();
      expect(cookie).toMatch(new RegExp(`^__Host-${linkId}=[\\w-]{43}; `));
      expect(cookie.toLowerCase().split('; ').slice(1).sort()).toEqual([
        'httponly',
        'max-age=1800',
        'path=/',
        'samesite=lax',
        'secure',
      ]);
      const state = new URL(opened.location ?? '').searchParams.get('state') ?? '';
      const callbackOf = `${secure.sandbox.info.api}/auth/callback/Outlook?${new URLSearchParams({ state, code: 'x' })}`;
      const value = /=([\w-]{43});/.exec(cookie)?.[1];
      // A sibling host can plant a cookie without the prefix, and browsers refuse it one with it.
      expectPage(await send(callbackOf, { headers: { cookie: `${linkId}=${value}` } }), 400, NOT_VALID);
      const own = await send(callbackOf, { headers: { cookie: `__Host-${linkId}=${value}` } });
      expect(own.status).toBe(303);
    } finally {
      await secure.close();
    }
  });
});

describe('the ticket', () => {
  it('does not travel on in a Referer, and is void once the link was used', async () => {
    const { linkUrl } = await startLink(flow);
    const opened = await send(linkUrl);
    expect(opened.headers.get('referrer-policy')).toBe('no-referrer');
    expect(opened.location).not.toContain(new URL(linkUrl).searchParams.get('ticket') ?? '');
    expectPage(await send(linkUrl), 409, 'This link was used already');
  });

  it('repeated, empty or guessed: one page for all of them', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const open = `${flow.sandbox.info.api}/auth/open/Outlook`;
    for (const url of [`${linkUrl}&ticket=x`, open, `${open}?ticket=`, `${open}?ticket=${linkId}.${FORGED}`])
      expectPage(await send(url), 400, NOT_VALID);
    expect((await stateOf(flow, linkId)).state).toBe('started');
  });
});
