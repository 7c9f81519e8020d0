import { type Html, html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import { ApiProblem, ApiUnreachable, type Connection, type Mail, type OutlookApi } from './api-client.ts';
import type { Values } from './form.ts';
import { alert, page, type Shell, success } from './layout.ts';
import { applicationWords, mailWords, STATUS_WORDS, time } from './words.ts';

export const CONNECTIONS_PATH = '/connections';

/** A form post that failed: shown again with what was typed. */
export interface FailedPost {
  readonly connectionId: string;
  readonly values: Values;
  readonly error: ApiProblem | ApiUnreachable;
}

/** The mails are asked for each connection by itself, so only as long as there are few. */
const MOST_WITH_MAILS = 10;
const MAILS_SHOWN = 5;

export async function connectionsPage(
  shell: Shell,
  query: URLSearchParams,
  api: OutlookApi,
  failed?: FailedPost,
): Promise<Reply> {
  const { customerId } = shell.session;
  try {
    const connections = await api.connections(customerId);
    const mails = connections.length <= MOST_WITH_MAILS ? await recentMails(api, connections) : undefined;
    const flash = failed ? failedFlash(failed) : await flashOf(query, api, customerId, connections);
    return page(shell, {
      title: 'Connections',
      tab: CONNECTIONS_PATH,
      status: failed ? statusOf(failed.error) : 200,
      content: html`<h1>Connections</h1>${flash}
${connections.length === 0 ? EMPTY : connections.map((one) => card(one, mails?.get(one.connectionId), failed))}`,
    });
  } catch (error) {
    if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
    const content = html`<h1>Connections</h1>${alert('The connections cannot be shown.', error.message)}`;
    return page(shell, { title: 'Connections', tab: CONNECTIONS_PATH, status: statusOf(error), content });
  }
}

const EMPTY = html`<div class="card narrow"><p>No Outlook account is linked yet.</p>
<p class="actions"><a class="button" href="/service-provider">Add Outlook Connection</a></p></div>`;

function statusOf(error: ApiProblem | ApiUnreachable): number {
  return error instanceof ApiProblem ? error.status : 503;
}

async function recentMails(api: OutlookApi, connections: readonly Connection[]) {
  const lists = await Promise.all(
    connections.map(async ({ customerId, connectionId }) => {
      // A list that cannot be had is no reason to show nothing.
      const mails = await api.mails(customerId, connectionId, 200).catch(() => []);
      const newest = [...mails].sort((a, b) => b.queuedAt.localeCompare(a.queuedAt)).slice(0, MAILS_SHOWN);
      return [connectionId, newest] as const;
    }),
  );
  return new Map(lists);
}

/** One connection with everything that can be done to it. */
function card(connection: Connection, mails: readonly Mail[] | undefined, failed: FailedPost | undefined): Html {
  const { connectionId: id, customerId, status, reason, trouble, mailbox, displayName } = connection;
  const { word, meaning } = STATUS_WORDS[status];
  const values = failed?.connectionId === id ? failed.values : {};
  const path = `${CONNECTIONS_PATH}/${encodeURIComponent(id)}`;
  return html`<article class="card connection" data-connection-id="${id}" data-customer-id="${customerId}" data-status="${status}" aria-labelledby="${id}">
<header><h2 id="${id}">${mailbox.signInName}</h2> <span class="status ${status}">${word}</span></header>
<p>${displayName !== mailbox.signInName && html`${displayName}. `}${trouble ? `${trouble.meaning} ${trouble.action}` : meaning}${reason && html` <span class="reason">Reason: <code>${reason}</code></span>`}</p>
<div class="columns">
<form method="post" action="${path}/send" aria-label="Send from ${mailbox.signInName}">
<div class="field"><label for="to-${id}">To</label><input id="to-${id}" name="to" inputmode="email" autocomplete="off" autocapitalize="none" spellcheck="false" value="${values['to'] ?? ''}" required></div>
<div class="field"><label for="subject-${id}">Subject</label><input id="subject-${id}" name="subject" autocomplete="off" value="${values['subject'] ?? ''}" required></div>
<div class="field"><label for="content-${id}">Message</label><textarea id="content-${id}" name="content" rows="4" required>${values['content'] ?? ''}</textarea></div>
<button type="submit">Send</button>
</form>
<div>
${facts(connection)}
${mails && mailList(mails)}
${settings(connection, path)}
</div>
</div>
<footer>
<form method="post" action="${path}/test" aria-label="Test ${mailbox.signInName}"><button type="submit" class="quiet">Test</button> <span class="fine">sends a mail to the mailbox itself</span></form>
<form method="post" action="${path}/remove" aria-label="Remove ${mailbox.signInName}"><button type="submit" class="danger">Remove</button></form>
</footer>
</article>`;
}

/** What is seldom needed: whom to tell, linking again, and a new secret of the customer's application. */
function settings({ connectionId: id, application, alertAddress, status }: Connection, path: string): Html {
  const own = application.kind === 'customerOwned';
  const secret = (of: string) =>
    html`<div class="field"><label for="${of}-secret-${id}">Client Secret</label><input id="${of}-secret-${id}" name="clientSecret" type="password" autocomplete="off" required></div>`;
  return html`<details${status === 'connected' || status === 'paused' ? undefined : html` open`}>
<summary>Settings</summary>
<form method="post" action="${path}/alert" aria-label="Alerts">
<div class="field"><label for="alert-${id}">Alert address</label><input id="alert-${id}" name="alertAddress" inputmode="email" autocomplete="off" autocapitalize="none" spellcheck="false" value="${alertAddress ?? ''}"></div>
<button type="submit" class="quiet">Save address</button>
</form>
<form method="post" action="${path}/relink" aria-label="Link again">
${own && secret('relink')}
<button type="submit" class="quiet">Link again</button>
</form>
${
  own &&
  html`<form method="post" action="${path}/secret" aria-label="New client secret">
${secret('new')}
<div class="field"><label for="expires-${id}">Expires on <span class="optional">(optional)</span></label><input id="expires-${id}" name="clientSecretExpiresOn" type="date"></div>
<button type="submit" class="quiet">Save secret</button>
</form>`
}
</details>`;
}

function facts({ connectionId, application, linkedAt, daysToTrouble, alertAddress }: Connection): Html {
  const { secretExpiresOn, secretExpiryAssumed } = application;
  return html`<dl class="facts">
<div><dt>Connection ID</dt><dd><code>${connectionId}</code></dd></div>
<div><dt>Linked through</dt><dd>${applicationWords(application)}</dd></div>
<div><dt>Client ID</dt><dd><code>${application.clientId}</code></dd></div>
<div><dt>Linked at</dt><dd>${time(linkedAt)}</dd></div>
${daysToTrouble !== undefined && html`<div><dt>Needs attention</dt><dd>${attention(daysToTrouble)}</dd></div>`}
${secretExpiresOn && html`<div><dt>Client secret expires</dt><dd>${secretExpiresOn.slice(0, 10)}${secretExpiryAssumed === true && ' (assumed)'}</dd></div>`}
${alertAddress && html`<div><dt>Alert address</dt><dd>${alertAddress}</dd></div>`}
</dl>`;
}

function attention(days: number): string {
  if (days <= 0) return 'now';
  return days === 1 ? 'in 1 day' : `in ${days} days`;
}

function mailList(mails: readonly Mail[]): Html {
  if (mails.length === 0) return html`<h3>Mail</h3><p class="fine">None yet.</p>`;
  return html`<h3>Mail</h3><ul class="mails">
${mails.map((mail) => html`<li data-mail-id="${mail.mailId}" data-state="${mail.state}"><span class="state ${mail.state}">${mail.state}</span> ${time(mail.acceptedAt ?? mail.queuedAt)}${mail.reason && html` <code>${mail.reason}</code>`}</li>`)}
</ul>`;
}

function failedFlash({ error }: FailedPost): Html {
  const fields = error instanceof ApiProblem ? error.fields : [];
  const named = fields.map(({ pointer, detail }) => html`<li><code>${pointer}</code> ${detail}</li>`);
  return alert('That did not work.', html`${error.message}${named.length > 0 && html`<ul>${named}</ul>`}`);
}

const FAILED_STATES = ['rejected', 'dead', 'expired', 'uncertain', 'held'];

/** The return page tested the new connection at once. */
function linkedFlash({ mailbox, trouble }: Connection, mail: Mail | undefined): Html {
  const name = mailbox.signInName;
  if (!mail) return success(html`<strong>${name} is linked.</strong> Press Test to see that it can send.`);
  const what = `The test mail ${mailWords(mail)}.`;
  if (!FAILED_STATES.includes(mail.state)) return success(html`<strong>${name} is linked.</strong> ${what}`);
  const advice = trouble ? ` ${trouble.meaning} ${trouble.action}` : '';
  return alert(`${name} is linked, but cannot send yet.`, `${what}${advice}`);
}

/**
 * What just happened. The address carries ids only and everything said is looked up, so that nobody can make this page
 * say something by handing out an address.
 */
async function flashOf(
  query: URLSearchParams,
  api: OutlookApi,
  customerId: string,
  connections: readonly Connection[],
): Promise<Html | undefined> {
  const named = (name: string) => connections.find(({ connectionId }) => connectionId === query.get(name));
  const linked = named('linked');
  if (named('changed')) return success(html`<strong>Saved.</strong>`);
  if (query.has('removed') && !named('removed'))
    return success(
      html`<strong>The connection was removed.</strong> The consent itself can be withdrawn at Microsoft, under My Apps.`,
    );
  const [connection, mailId] = [linked ?? named('connection'), query.get('sent') ?? query.get('tested')];
  if (!connection) return undefined;
  const mail = mailId ? await api.mail(customerId, connection.connectionId, mailId).catch(() => undefined) : undefined;
  if (linked) return linkedFlash(linked, mail);
  if (!mail) return undefined;
  const what = html`<strong>The ${query.has('tested') && 'test '}mail ${mailWords(mail)}.</strong> From ${connection.mailbox.signInName}.`;
  return FAILED_STATES.includes(mail.state)
    ? alert(
        `The ${query.has('tested') ? 'test ' : ''}mail ${mailWords(mail)}.`,
        `From ${connection.mailbox.signInName}.`,
      )
    : success(what);
}
