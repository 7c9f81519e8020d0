import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { FakeApp } from '../../fakes/app.ts';
import { Browser, confirm, customerOwned } from './support.ts';

const CORRELATION = '11111111-2222-4333-8444-555555555555';
const TRACE = '66666666-7777-4888-8999-aaaaaaaaaaaa';

async function signedIn(request: Parameters<FakeApp['start']>[0] = {}) {
  const fake = new FakeApp();
  const browser = new Browser(fake);
  const started = await fake.start(request);
  const query = await browser.signIn(started.linkUrl);
  return { fake, browser, query, linkId: started.linkId };
}

function failed(query: URLSearchParams, error: string, description = ''): URLSearchParams {
  const next = new URLSearchParams({ state: query.get('state') ?? '', error });
  if (description) next.set('error_description', description);
  return next;
}

describe('Microsoft sends the browser back', () => {
  test('the browser goes to the registered return address with link and confirmation, and nothing else', async () => {
    const { browser, query, linkId } = await signedIn();
    const result = await browser.callback(query);
    if (result.kind !== 'redirect') throw new Error(result.page);
    const url = new URL(result.location);
    expect(url.origin + url.pathname).toBe('https://app.example/return');
    expect([...url.searchParams.keys()]).toEqual(['linkId', 'confirmation']);
    expect(url.searchParams.get('linkId')).toBe(linkId);
  });

  test('state consumed, code parked and confirmation drawn are one write', async () => {
    const { fake, browser, query, linkId } = await signedIn();
    let writes = 0;
    fake.links.before = ({ kind }) => {
      if (kind === 'write') writes += 1;
    };
    await browser.callback(query);
    expect(writes).toBe(1);
    expect(fake.identity.redeemed).toEqual([]);
    expect(await fake.app.linking.links.get(linkId)).toMatchObject({ state: 'authorized', stateHash: '' });
  });

  test('the row alone redeems nothing: neither code nor confirmation is in it', async () => {
    const { fake, browser, query } = await signedIn();
    const result = await browser.callback(query);
    if (result.kind !== 'redirect') throw new Error(result.page);
    const stored = JSON.stringify(fake.links.all());
    expect(stored).not.toContain(query.get('code'));
    expect(stored).not.toContain(new URL(result.location).searchParams.get('confirmation'));
    expect(JSON.stringify(fake.events)).not.toContain(query.get('code'));
  });

  test('a state works once', async () => {
    const { browser, query } = await signedIn();
    await browser.callback(query);
    expect(await browser.callback(query)).toEqual({ kind: 'page', page: 'link_unknown' });
  });

  test('of two callbacks at once one is taken', async () => {
    const { browser, query } = await signedIn();
    const results = await Promise.all([browser.callback(query), browser.callback(query)]);
    expect(results.map(({ kind }) => kind).sort()).toEqual(['page', 'redirect']);
  });

  test('a write that storage did not take can be repeated with the same state', async () => {
    const { fake, browser, query } = await signedIn();
    fake.links.before = ({ kind }) => {
      if (kind === 'write') throw new StoreUnavailable('table storage');
    };
    await expect(browser.callback(query)).rejects.toThrow(StoreUnavailable);
    fake.links.before = () => {};
    expect((await browser.callback(query)).kind).toBe('redirect');
  });
});

describe('the order of the checks', () => {
  test.each(['state', 'code', 'error', 'admin_consent', 'session_state'])(
    'a repeated %s is refused before anything is read',
    async (name) => {
      const { fake, browser, query } = await signedIn();
      query.append(name, 'a');
      query.append(name, 'b');
      const { requests } = fake.links;
      expect(await browser.callback(query)).toEqual({ kind: 'page', page: 'bad_request' });
      expect(fake.links.requests).toBe(requests);
    },
  );

  test('the return of an administrator’s approval reads and writes nothing, whatever else it carries', async () => {
    const { fake, browser, query } = await signedIn();
    const { requests } = fake.links;
    query.delete('code');
    query.set('admin_consent', 'True');
    query.set('tenant', 'evil');
    expect(await browser.callback(query)).toEqual({ kind: 'page', page: 'admin_approved' });
    expect(fake.links.requests).toBe(requests);
  });

  test.each([
    ['as Entra declines, beside admin_consent=True', { admin_consent: 'True', error: 'consent_required' }],
    ['with a state that somebody added', { admin_consent: 'True', error: 'access_denied', state: 'kept' }],
    ['without admin_consent and without a state', { error: 'access_denied' }],
    ['as no answer to anything', { admin_consent: 'maybe' }],
  ])('an administrator who declines gets a page that says so, and nothing is read: %s', async (_, answer) => {
    const { fake, browser, query } = await signedIn();
    const { requests } = fake.links;
    const returned = new URLSearchParams({ ...answer, ...('state' in answer && { state: query.get('state') ?? '' }) });
    expect(await browser.callback(returned)).toEqual({ kind: 'page', page: 'admin_declined' });
    expect(fake.links.requests).toBe(requests);
  });

  test('a code with admin_consent is a code', async () => {
    const { browser, query } = await signedIn();
    query.set('admin_consent', 'True');
    expect((await browser.callback(query)).kind).toBe('redirect');
  });

  test.each([
    ['none', ''],
    ['of no shape', 'x'],
    ['of a link that is not there', `lnk_${'0'.repeat(32)}.${'a'.repeat(43)}`],
  ])('a state that is %s is unknown', async (_, state) => {
    const { browser, query } = await signedIn();
    query.set('state', state);
    expect(await browser.callback(query)).toEqual({ kind: 'page', page: 'link_unknown' });
  });

  test('a forged state is refused before the cookie is looked at, and changes nothing', async () => {
    const { fake, browser, query } = await signedIn();
    const before = fake.links.all();
    query.set('state', `${query.get('state')?.slice(0, -4)}AAAA`);
    browser.cookies.clear();
    expect(await browser.callback(query)).toEqual({ kind: 'page', page: 'link_unknown' });
    expect(fake.links.all()).toEqual(before);
    expect(fake.events.map(({ name }) => name)).not.toContain('link.callback_elsewhere');
  });

  test.each([
    ['no cookie', (browser: Browser, linkId: string) => browser.cookies.delete(linkId)],
    ['another cookie', (browser: Browser, linkId: string) => browser.cookies.set(linkId, 'x')],
  ])('a browser with %s gets a page, even for an error, and the link is untouched', async (_, spoil) => {
    const { fake, browser, query, linkId } = await signedIn();
    spoil(browser, linkId);
    const before = fake.links.all();
    expect(await browser.callback(query)).toEqual({ kind: 'page', page: 'link_unknown' });
    expect(await browser.callback(failed(query, 'access_denied'))).toEqual({ kind: 'page', page: 'link_unknown' });
    expect(fake.links.all()).toEqual(before);
  });

  test('a link that took more than 30 minutes has expired', async () => {
    const { fake, browser, query } = await signedIn();
    fake.clock.advance(30 * MINUTE);
    expect(await browser.callback(query)).toEqual({ kind: 'page', page: 'link_expired' });
  });

  test.each([[''], ['c'.repeat(4097)]])('a code that is none leaves the link as it is', async (code) => {
    const { fake, browser, query } = await signedIn();
    const before = fake.links.all();
    expect(await browser.callback(new URLSearchParams({ state: query.get('state') ?? '', code }))).toEqual({
      kind: 'page',
      page: 'bad_request',
    });
    expect(fake.links.all()).toEqual(before);
  });
});

describe('an error of Microsoft’s', () => {
  test('leads back with link and code alone; nothing that the query said is passed on', async () => {
    const { browser, query, linkId } = await signedIn();
    const error = failed(query, 'access_denied', 'AADSTS65004: <script>alert(1)</script> planted');
    const result = await browser.callback(error);
    expect(result).toMatchObject({
      kind: 'redirect',
      location: `https://app.example/return?linkId=${linkId}&error=consent_declined`,
    });
  });

  test('ends the link, forgets its client secret, and is told with Microsoft’s own ids', async () => {
    const { fake, browser, query, linkId } = await signedIn(customerOwned());
    const description = `AADSTS90094: An administrator must approve. Trace ID: ${TRACE} Correlation ID: ${CORRELATION} Timestamp: 2026-11-23`;
    await browser.callback(failed(query, 'access_denied', description));
    expect(fake.secrets.kept.size).toBe(0);
    expect(await fake.app.linking.links.get(linkId)).toMatchObject({
      state: 'failed',
      error: 'admin_approval_needed',
      correlationId: CORRELATION,
      traceId: TRACE,
      sealed: '',
    });
  });

  test('keeps no ids that are of another shape', async () => {
    const { fake, browser, query, linkId } = await signedIn();
    await browser.callback(failed(query, 'server_error', 'Trace ID: <b>x</b> Correlation ID: ../../etc'));
    expect(await fake.app.linking.links.get(linkId)).toMatchObject({
      error: 'microsoft_unavailable',
      correlationId: '',
      traceId: '',
    });
  });

  test('uses the state up: no code is taken after it, and nothing can be confirmed', async () => {
    const { fake, browser, query, linkId } = await signedIn();
    await browser.callback(failed(query, 'access_denied'));
    expect(await browser.callback(query)).toEqual({ kind: 'page', page: 'link_unknown' });
    await expect(confirm(fake, { linkId, confirmation: 'x' })).rejects.toMatchObject({ code: 'consent_declined' });
  });
});
