import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { App } from '../../shared/compose.ts';
import { acceptCallback } from '../../shared/linking/callback.ts';
import { LINK_MINUTES } from '../../shared/linking/link.ts';
import { cookieName, openLink } from '../../shared/linking/open-link.ts';
import type { Endpoint } from './endpoint.ts';
import { page, SECURITY_HEADERS } from './page.ts';

/** The two routes that a person's browser visits. They answer pages and redirects, never JSON. */
export function browserEndpoints({ linking }: App): Endpoint[] {
  const secure = linking.config.publicBaseUrl.startsWith('https:');
  const routes: Endpoint[] = [
    {
      name: 'link-open',
      method: 'GET',
      route: 'auth/open/Outlook',
      auth: 'anonymous',
      handle: async (request, invocation) => {
        const tickets = rawQuery(request).getAll('ticket');
        const ticket = tickets.length === 1 ? (tickets[0] ?? '') : '';
        const result = await openLink(
          linking,
          ticket,
          (linkId) => readCookie(request, cookieName(linkId, secure)),
          invocation,
        );
        if (result.kind === 'page') return page(result.page);
        const cookie = {
          name: cookieName(result.cookie.linkId, secure),
          value: result.cookie.value,
          path: '/',
          httpOnly: true,
          secure,
          sameSite: 'Lax',
          maxAge: LINK_MINUTES * 60,
        } as const;
        return { ...redirect(result.location), cookies: [cookie] };
      },
    },
    {
      name: 'link-callback',
      method: 'GET',
      route: 'auth/callback/Outlook',
      auth: 'anonymous',
      handle: async (request, invocation) => {
        const cookieOf = (linkId: string) => readCookie(request, cookieName(linkId, secure));
        const result = await acceptCallback(linking, rawQuery(request), cookieOf, invocation);
        if (result.kind === 'page') return page(result.page);
        const spent = {
          name: cookieName(result.linkId, secure),
          value: '',
          path: '/',
          httpOnly: true,
          secure,
          sameSite: 'Lax',
          maxAge: 0,
        } as const;
        return { ...redirect(result.location), cookies: [spent] };
      },
    },
  ];
  return routes.map(withPageForFailure);
}

/** A person gets a page whatever happens; reloading it tries again with the same ticket or state. */
function withPageForFailure(endpoint: Endpoint): Endpoint {
  return {
    ...endpoint,
    handle: async (request, invocation) => {
      try {
        return await endpoint.handle(request, invocation);
      } catch (error) {
        invocation.log.failure('http.failed', error, { function: endpoint.name });
        return page('unavailable');
      }
    },
  };
}

/** The query as it was sent: the host joins repeated parameters in `request.query`. */
function rawQuery(request: HttpRequest): URLSearchParams {
  return new URL(request.url).searchParams;
}

/** 303: the browser follows with GET, whatever it came with. */
function redirect(location: string): HttpResponseInit {
  return { status: 303, headers: { ...SECURITY_HEADERS, location } };
}

/** A cookie's value; undefined when it is absent, or present twice: then somebody planted one of them. */
function readCookie(request: HttpRequest, name: string): string | undefined {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('='));
  const values = pairs.filter(([key]) => key === name).map(([, value]) => value ?? '');
  return values.length === 1 ? values[0] : undefined;
}
