import { HttpRequest, type HttpResponseInit } from '@azure/functions';
import { describe, expect, test } from 'vitest';
import { browserEndpoints } from '../../../functions/http/browser.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { FakeApp } from '../../fakes/app.ts';

function call(fake: FakeApp, name: 'link-open' | 'link-callback', url: string, cookie = ''): Promise<HttpResponseInit> {
  const endpoint = browserEndpoints(fake.app).find((each) => each.name === name);
  if (!endpoint) throw new Error(`no endpoint ${name}`);
  const request = new HttpRequest({ method: 'GET', url, headers: cookie ? { cookie } : {} });
  return endpoint.handle(request, fake.invocation());
}

const header = (response: HttpResponseInit, name: string) => (response.headers as Record<string, string>)[name] ?? '';

async function opened(settings: Record<string, string> = {}) {
  const fake = new FakeApp(settings);
  const { linkUrl, linkId } = await fake.start();
  const response = await call(fake, 'link-open', linkUrl);
  const [cookie] = response.cookies ?? [];
  const query = fake.identity.signIn(header(response, 'location'));
  const callbackUrl = `https://elsewhere.example/api/auth/callback/Outlook?${query}`;
  return { fake, linkUrl, linkId, response, cookie, pair: `${cookie?.name}=${cookie?.value}`, callbackUrl, query };
}

describe('the cookie', () => {
  test('is bound to this very host, out of reach of scripts, and sent on the way back from Microsoft', async () => {
    const { cookie, linkId } = await opened();
    expect(cookie).toMatchObject({
      name: `__Host-${linkId}`,
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'Lax',
      maxAge: 1800,
    });
    expect(cookie).not.toHaveProperty('domain');
  });

  test('is a plain one over http on loopback', async () => {
    const { cookie, linkId } = await opened({ PUBLIC_BASE_URL: 'http://localhost:7071' });
    expect(cookie).toMatchObject({ name: linkId, secure: false });
  });

  test('is taken away when the browser came back', async () => {
    const { fake, callbackUrl, pair, linkId } = await opened();
    const response = await call(fake, 'link-callback', callbackUrl, `other=1; ${pair}`);
    expect(response.status).toBe(303);
    expect(response.cookies).toMatchObject([{ name: `__Host-${linkId}`, value: '', maxAge: 0 }]);
  });

  test('counts for nothing when it is there twice: somebody planted one', async () => {
    const { fake, callbackUrl, pair, cookie } = await opened();
    const response = await call(fake, 'link-callback', callbackUrl, `${cookie?.name}=planted; ${pair}`);
    expect(response.status).toBe(400);
  });
});

describe('what a browser gets', () => {
  test('is never cached, never a referrer, never framed, whatever happened', async () => {
    const { fake, response, callbackUrl, pair } = await opened();
    const responses = [
      response,
      await call(fake, 'link-open', 'https://x.example/api/auth/open/Outlook'),
      await call(fake, 'link-callback', callbackUrl),
      await call(fake, 'link-callback', callbackUrl, pair),
    ];
    for (const each of responses) {
      expect(header(each, 'cache-control')).toBe('no-store');
      expect(header(each, 'referrer-policy')).toBe('no-referrer');
      expect(header(each, 'content-security-policy')).toContain("default-src 'none'");
      expect(header(each, 'content-security-policy')).toContain("frame-ancestors 'none'");
    }
  });

  test.each(['<script>alert(1)</script>', 'planted'])('never echoes what it sent: %s', async (planted) => {
    const { fake, callbackUrl } = await opened();
    const [open, back] = ['https://x.example/api/auth/open/Outlook', callbackUrl.split('?')[0]];
    const value = encodeURIComponent(planted);
    for (const url of [`${open}?ticket=${value}`, `${open}?ticket=${value}&ticket=${value}`]) {
      const response = await call(fake, 'link-open', url);
      expect(JSON.stringify(response)).not.toContain(planted);
    }
    for (const name of ['state', 'error', 'code', 'admin_consent', value]) {
      const response = await call(fake, 'link-callback', `${back}?${name}=${value}&error_description=${value}`);
      expect(response.status).not.toBe(303);
      expect(JSON.stringify(response)).not.toContain(planted);
    }
  });

  test('leads to the configured host alone, whatever host the request named', async () => {
    const { response, callbackUrl, fake, pair } = await opened();
    expect(new URL(header(response, 'location')).searchParams.get('redirectUri')).toBe(
      'https://hire2retire.example/api/auth/callback/Outlook',
    );
    const back = await call(fake, 'link-callback', callbackUrl, pair);
    expect(header(back, 'location')).toMatch(/^https:\/\/app\.example\/return\?linkId=lnk_[0-9a-f]{32}&confirmation=/);
  });

  test('is a page when storage does not answer, and reloading it goes on', async () => {
    const { fake, callbackUrl, pair } = await opened();
    fake.links.before = () => {
      throw new StoreUnavailable('table storage');
    };
    const response = await call(fake, 'link-callback', callbackUrl, pair);
    expect(response.status).toBe(503);
    expect(header(response, 'content-type')).toContain('text/html');
    expect(header(response, 'referrer-policy')).toBe('no-referrer');
    fake.links.before = () => {};
    expect((await call(fake, 'link-callback', callbackUrl, pair)).status).toBe(303);
  });

  test('is refused when a parameter is there twice: the host would have joined them', async () => {
    const { fake, callbackUrl, pair, query } = await opened();
    const response = await call(fake, 'link-callback', `${callbackUrl}&state=${query.get('state')}`, pair);
    expect(response.status).toBe(400);
    expect((await call(fake, 'link-callback', callbackUrl, pair)).status).toBe(303);
  });
});
