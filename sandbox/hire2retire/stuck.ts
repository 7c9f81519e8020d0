import { type Html, html } from '../kit/page.ts';
import type { OutlookApi } from './api-client.ts';
import { alert } from './layout.ts';
import type { Session } from './session.ts';

const MOST = 1000;

/** Which link each session was sent away with last. Nothing is decided by it; the real Hire2Retire has a session for it. */
export class LastLinks {
  private readonly kept = new Map<string, string>();

  remember({ startedBy }: Session, linkId: string): void {
    // Oldest first: a Map keeps insertion order.
    if (this.kept.size >= MOST) this.kept.delete(this.kept.keys().next().value ?? '');
    this.kept.set(startedBy, linkId);
  }

  of({ startedBy }: Session): string | undefined {
    return this.kept.get(startedBy);
  }
}

/**
 * For somebody who was sent to Microsoft and is here again without having come back from there. Microsoft shows some
 * errors on a page of its own and sends nobody back, so only the person can tell which it was.
 */
export async function stuckNote(
  api: OutlookApi,
  linkId: string | undefined,
  session: Session,
): Promise<Html | undefined> {
  // A note is no reason to show no page.
  const link = linkId && (await api.linkState(linkId, session.customerId).catch(() => undefined));
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
