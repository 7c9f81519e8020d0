import { type Html, html } from '../kit/page.ts';
import type { OutlookApi } from './api-client.ts';
import { alert } from './layout.ts';

/** Remembers in the browser which link it was sent away with. No secret: it opens nothing. */
export const LINK_COOKIE = 'h2r_link';

/** `Set-Cookie` of a link that was just started; it is forgotten with the link. */
export function linkCookie(linkId: string): string {
  return `${LINK_COOKIE}=${linkId}; Path=/; HttpOnly; SameSite=Lax; Max-Age=1800`;
}

/** `Set-Cookie` of somebody who came back. */
export const NO_LINK_COOKIE = `${LINK_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`;

/**
 * For somebody who was sent to Microsoft and is here again without having come back from there. Microsoft shows some
 * errors on a page of its own and sends nobody back, so only the person can tell which it was.
 */
export async function stuckNote(api: OutlookApi, linkId: string, customerId: string): Promise<Html | undefined> {
  // A note is no reason to show no page.
  const link = linkId && (await api.linkState(linkId, customerId).catch(() => undefined));
  if (!link || (link.state !== 'opened' && link.state !== 'expired')) return undefined;
  return alert(
    'You have not come back from Microsoft yet.',
    html`If a page there showed an error, its number says what to do before you click Link account again:
<ul>
<li><code>AADSTS50194</code> the application is for one organization only: give its tenant.</li>
<li><code>AADSTS700016</code> the application was not found: compare the client ID, and the tenant, with its Overview page.</li>
<li><code>AADSTS90002</code> the tenant was not found: compare it with the Overview page.</li>
<li><code>AADSTS50011</code> the redirect URI is missing: add it to the app registration, under Web.</li>
<li><code>AADSTS50020</code>, <code>AADSTS500200</code> the account is of another organization, or a personal one: choose another.</li>
</ul>`,
  );
}
