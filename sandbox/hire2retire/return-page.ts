/**
 * The page that Microsoft's sign-in ends on: copy this one.
 *
 * `LINK_RETURN_URLS` of the function app names its address. The person's browser arrives with a GET and one of
 *
 *   ?linkId=…&confirmation=…   the account was authorized; it is linked once you confirm
 *   ?linkId=…&error=…          it was not; ask the API why
 *
 * Why a confirm? A link address can be sent to somebody else, who would then link *their* mailbox to *your* account. So
 * nothing is linked until your server has said that the session which came back is the session which started. For that:
 *
 *   1. Call confirm on every arrival, from the server, with the function key.
 *   2. Take `customerId` and `startedBy` from the session that this browser has now. Never from the address, a form, or
 *      what you remember of the link: comparing the two is the API's work, and it compares what you send.
 *   3. If nobody is signed in, do not ask to sign in and then confirm. It is not the session that started; let the
 *      person start again.
 */
import { html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import { ApiProblem, ApiUnreachable, type Connection, type LinkFailure, type OutlookApi } from './api-client.ts';
import { alert, page, type Shell, seeOther } from './layout.ts';

export async function returnPage(shell: Shell, query: URLSearchParams, api: OutlookApi): Promise<Reply> {
  const { session } = shell;
  const linkId = query.get('linkId');
  const confirmation = query.get('confirmation');
  if (!linkId) return failurePage(shell, UNKNOWN_LINK);
  if (!confirmation) return failurePage(shell, await whyItFailed(api, linkId, session.customerId));
  try {
    const { customerId, startedBy } = session;
    const connection = await api.confirmLink(linkId, { customerId, startedBy, confirmation });
    const query = new URLSearchParams({ linked: connection.connectionId, ...(await test(api, connection)) });
    // Linked. A redirect takes the confirmation out of the address bar, and a reload is harmless.
    return seeOther(session, `/connections?${query}`);
  } catch (error) {
    // Nobody knows whether an unanswered confirm arrived. It may be repeated, and a reload of this page does that.
    if (error instanceof ApiUnreachable) return againPage(shell, 'The account may be linked already.', error.message);
    if (!(error instanceof ApiProblem)) throw error;
    // Another confirm of this link is about to finish, or a service does not answer right now: the same confirm again.
    if (error.code === 'link_in_progress' || error.retryAfterSeconds !== undefined) return waitPage(shell, error);
    return failurePage(shell, error.linkFailure ?? (await whyItFailed(api, linkId, session.customerId)));
  }
}

/** That an account has no mailbox shows only when it sends. The mailbox is linked whatever comes of it. */
async function test(api: OutlookApi, { customerId, connectionId, mailbox }: Connection) {
  try {
    return { tested: (await api.testConnection(customerId, connectionId, mailbox.signInName)).mailId };
  } catch (error) {
    if (error instanceof ApiProblem || error instanceof ApiUnreachable) return {};
    throw error;
  }
}

/** What the API knows about a link that did not become a connection. */
async function whyItFailed(api: OutlookApi, linkId: string, customerId: string): Promise<LinkFailure> {
  try {
    return (await api.linkState(linkId, customerId)).error ?? UNKNOWN_LINK;
  } catch (error) {
    // 404: no such link, or another customer's. The page says the same for both.
    if (error instanceof ApiProblem) return UNKNOWN_LINK;
    if (error instanceof ApiUnreachable) return { ...UNKNOWN_LINK, person: error.message, whoActs: 'nobody' };
    throw error;
  }
}

/** Said of links that are none, ended without an error, or are not this customer's. */
const UNKNOWN_LINK: LinkFailure = {
  code: 'link_unknown',
  person: 'The account was not linked.',
  whoActs: 'user',
  action: 'Click Link account again and finish in the same browser.',
};

const WHO_ACTS = {
  user: 'What you can do',
  customerAdmin: 'What you and your IT can do',
  robomq: 'RoboMQ has to act',
  nobody: 'Nobody has to act',
} as const satisfies Record<LinkFailure['whoActs'], string>;

/** Everything that the API says about a failure: a sentence for the person, who acts, and what to click. */
function failurePage(shell: Shell, failure: LinkFailure): Reply {
  const { code, person, whoActs, action, adminConsentUrl, textForIt, microsoft } = failure;
  return page(shell, {
    title: 'The account is not linked',
    // The request itself was fine: what failed is the sign-in that it tells about.
    status: 200,
    content: html`<h1>The account is not linked</h1>
<div class="card narrow" data-link-error="${code}">
${alert(person)}
${action && html`<h2>${WHO_ACTS[whoActs]}</h2><p>${action}</p>`}
${isWebAddress(adminConsentUrl) && html`<p>An administrator approves the application here: <a class="long" href="${adminConsentUrl}">${adminConsentUrl}</a></p>`}
${textForIt && html`<div class="field"><label for="text-for-it">Text for your IT</label><textarea id="text-for-it" name="textForIt" rows="8" readonly>${textForIt}</textarea></div>`}
<p>Link account is on these pages:</p>
<p class="actions"><a class="button" href="/service-provider">Service Provider Application</a> <a class="button quiet" href="/customer-owned">Customer Owned Application</a></p>
<p class="fine">Code <code>${code}</code>${microsoft?.correlationId && html` · Microsoft’s correlation ID <code>${microsoft.correlationId}</code>`}</p>
</div>`,
  });
}

/** Ends by itself: a link that is not confirmed within minutes expires, and then the answer is another one. */
function waitPage(shell: Shell, { linkFailure, retryAfterSeconds = 2 }: ApiProblem): Reply {
  return page(shell, {
    title: 'Linking the account',
    refreshSeconds: retryAfterSeconds,
    content: html`<h1>Linking the account</h1><p role="status">${linkFailure && `${linkFailure.person} `}One moment: this page goes on by itself.</p>`,
  });
}

function againPage(shell: Shell, title: string, text: string): Reply {
  return page(shell, {
    title: 'Not confirmed yet',
    status: 503,
    content: html`<h1>Not confirmed yet</h1>${alert(title, text)}<p>Reload this page to confirm again. Nothing is linked twice.</p>`,
  });
}

/** The address comes from the API, but a link that runs a script must be impossible whatever it says. */
function isWebAddress(address: string | undefined): address is string {
  return address !== undefined && URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
