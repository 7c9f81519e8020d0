import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POISON_QUEUES, QUEUES } from '../../shared/storage-names.ts';
import type { Connection, StartedLink } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import type { FormBrowser } from './support/form-browser.ts';
import { comeBack, linkRequest, linkThroughPages, proof, signIn } from './support/link.ts';
import { connectionPath } from './support/mails.ts';
import { enqueue, mail, message, rejected } from './support/messages.ts';
import {
  apiPlaces,
  blobPlaces,
  browserPlaces,
  controlPlaces,
  logPlaces,
  type Place,
  queuePlaces,
  tablePlaces,
} from './support/places.ts';
import { Planted, watchIdentity } from './support/planted.ts';
import { QUICK } from './support/quick.ts';
import { until } from './support/until.ts';

/** Credentials and links: nowhere, ever. */
const credentials = new Planted();
/** What a mail says and to whom: only where mail is kept until it is sent, and at Graph. */
const content = new Planted();

const marker = (what: string) => {
  const value = `${what.replaceAll(' ', '-')}-${randomBytes(9).toString('hex')}`;
  content.add(`the ${what} of a mail`, value);
  return value;
};
const secret = (what: string) => {
  const value = `planted~${randomBytes(24).toString('base64url')}`;
  credentials.add(`the ${what}`, value);
  return value;
};

let flow: Flow;
let places: readonly Place[];
const browsers: FormBrowser[] = [];

function newBrowser(): FormBrowser {
  const browser = flow.browser();
  browsers.push(browser);
  return browser;
}

const markedMail = () => {
  const address = `${marker('recipient')}@example.com`;
  return {
    to: [{ address, name: marker('recipient name') }],
    bcc: [`${marker('hidden recipient')}@example.com`],
    subject: marker('subject'),
    body: { contentType: 'html', content: `<p>${marker('body')}</p>` },
    attachments: [{ name: `${marker('file name')}.txt`, contentType: 'text/plain', contentBytes: 'aGVsbG8=' }],
    headers: { 'x-case': marker('header') },
  };
};

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 3, redeliverySeconds: 2, environment: { ...QUICK } });
  const { serviceProvider } = flow.sandbox.directory.applications;
  credentials.add('the service provider’s client secret', serviceProvider.clientSecret);
  const watch = watchIdentity(credentials);
  try {
    await walkThroughEverything();
  } finally {
    watch.stop();
  }
  noteWhatWasIssued();
  await flow.events.all();
  const queues = [...Object.values(QUEUES), ...POISON_QUEUES];
  places = [
    ...logPlaces(flow),
    ...(await tablePlaces(flow)),
    ...(await queuePlaces(flow, queues)),
    ...flow.events.texts.map((text) => ({ where: 'queue outlook-events', text })),
    ...(await blobPlaces(flow)),
    ...apiPlaces(flow),
    ...browserPlaces(flow, browsers),
    ...(await controlPlaces(flow)),
  ];
}, 90_000);
afterAll(() => flow?.close());

/** Everything that touches a secret or a mail, and everything of it that can fail. */
async function walkThroughEverything() {
  const { sandbox, mails, api } = flow;
  const { customerOwned } = sandbox.info;

  // Linking, both kinds. The planted secret is accepted beside the one that the sandbox shows everybody.
  const clientSecret = secret('customer-owned client secret');
  sandbox.identity.addSecret(customerOwned.clientId, clientSecret);
  const own = await linkOwn(clientSecret, 'hr@acme.example');
  const provided = await linkThroughPages(flow, 'sender-1@acme.example', newBrowser());

  // Links that fail: at Microsoft, at the token endpoint, in the vault, and because somebody tampers.
  const wrongSecret = secret('refused client secret');
  await linkOwn(wrongSecret, 'sender-2@acme.example').catch(() => undefined);
  const redirect = { error: 'access_denied', error_description: `AADSTS65004: ${secret('text of an error')}` };
  await flow.control('identity/faults', [{ match: { path: '/authorize' }, redirect }]);
  await linkThroughPages(flow, 'sender-2@acme.example', newBrowser()).catch(() => undefined);
  const answer = { error: 'invalid_grant', error_description: `AADSTS70008: ${secret('text of a token error')}` };
  await flow.control('identity/faults', [{ match: { path: '/token' }, status: 400, body: answer }]);
  await linkThroughPages(flow, 'sender-2@acme.example', newBrowser()).catch(() => undefined);
  await flow.control('keyVault/faults', [
    { match: { method: 'PUT' }, times: 4, status: 403, body: { error: { code: 'Forbidden' } } },
  ]);
  await linkThroughPages(flow, 'sender-2@acme.example', newBrowser()).catch(() => undefined);
  sandbox.keyVault.journal.faults.length = 0;
  await tamper();

  // Mail: both ways in, held, refused in every place, lost, throttled.
  const sent = [message(own, markedMail()), message(provided, markedMail())];
  for (const one of sent) await enqueue(flow, one, one === sent[0] ? 'plain' : 'base64');
  for (const one of sent) await mails.arrives(one.mailId);
  const large = mail({ ...markedMail(), body: { contentType: 'text', content: marker('body').repeat(5000) } });
  await mails.submit(own, large);
  await mails.arrives(large.mailId);

  const echo = (text: string) => ({ error: { code: 'ErrorInvalidRecipients', message: `Cannot send to ${text}.` } });
  const refused = message(own, markedMail());
  const inDoubt = mail(markedMail());
  const atGraph = (mailId: string, fault: object) =>
    flow.control('graph/faults', [{ match: { contains: mailId }, ...fault }]);
  await atGraph(refused.mailId, { status: 400, body: echo(refused['subject'] as string) });
  await enqueue(flow, refused);
  await mails.reaches(own, refused.mailId, 'rejected');
  await atGraph(inDoubt.mailId, { drop: 'after' });
  await mails.submit(provided, inDoubt);
  await mails.reaches(provided, inDoubt.mailId, 'uncertain');

  await api.call('POST', `${connectionPath(own)}/mails`, {
    body: mail({ ...markedMail(), importance: marker('importance') }),
  });
  await api.call('POST', `${connectionPath(own)}/mails`, { body: `{"subject": "${marker('subject')}", ` });
  const invalid = message(own, { ...markedMail(), to: [`${marker('recipient')}\r\n`], sendAt: marker('sendAt') });
  await enqueue(flow, invalid);
  await mails.reaches(own, invalid.mailId, 'rejected');
  // Names of fields are the producer's words too.
  const odd = message(own, { ...markedMail(), headers: { [`Case of ${marker('header name')}`]: '1' } });
  const unknown = message(own, { ...markedMail(), [marker('unknown field')]: '1' });
  for (const one of [odd, unknown]) {
    await enqueue(flow, one);
    await mails.reaches(own, one.mailId, 'rejected');
  }
  const unreadable = await enqueue(flow, `Dear ${marker('recipient')}, no JSON`);
  await until('the unreadable message to be kept', () => rejected(flow, unreadable));
  const foreign = await enqueue(flow, { ...message(own, markedMail()), customerId: 'globex' });
  await until('the foreign message to be kept', () => rejected(flow, foreign));

  await api.expect<Connection>(200, 'POST', `${connectionPath(provided)}/pause`);
  const held = mail(markedMail());
  await mails.submit(provided, held);
  await mails.reaches(provided, held.mailId, 'held');

  // The key, in the wrong place and as a wrong one.
  const { functionKey } = sandbox.info;
  await api.call('GET', `/customers/acme/connections?code=${functionKey}`);
  await api.call('GET', '/customers/acme/connections', { key: secret('wrong function key') });
  await api.call('GET', `/customers/acme/connections?code=${secret('wrong key in the URL')}`, { key: undefined });

  // A link that dies, a check of every connection, and an unlink.
  await flow.control('identity/revoke', { address: 'hr@acme.example' });
  await flow.control('host/renew', {});
  const late = message(own, markedMail());
  await enqueue(flow, late);
  await mails.reaches(own, late.mailId, 'held');
  await flow.control('host/run', { function: 'connections-scan' });
  const gone = await linkThroughPages(flow, 'sender-3@acme.example', newBrowser());
  await api.expect(200, 'DELETE', connectionPath(gone));
}

async function linkOwn(clientSecret: string, address: string): Promise<string> {
  const browser = newBrowser();
  const { clientId } = flow.sandbox.info.customerOwned;
  const tab = await browser.open(`${flow.sandbox.info.hire2retire}/customer-owned`);
  const list = await signIn(browser, await browser.click(tab, 'Link account', { clientId, clientSecret }), address);
  const connectionId = new URL(list.url).searchParams.get('linked');
  if (!connectionId) throw new Error(`Not linked: ${list.text}`);
  return connectionId;
}

/** A link over the API, with everything that a curious person may try. */
async function tamper() {
  const startedBy = secret('session that started');
  const body = linkRequest({ startedBy });
  const { linkId, linkUrl } = await flow.api.expect<StartedLink>(201, 'POST', '/auth/link/Outlook', { body });
  const browser = newBrowser();
  const callback = `${flow.sandbox.info.api}/auth/callback/Outlook`;
  const state = `${linkId}.${secret('forged state')}`;
  await browser.open(`${callback}?${new URLSearchParams({ code: secret('forged code'), state })}`);
  await browser.open(`${callback}?state=a&state=b&code=${secret('repeated code')}`);
  await browser.open(`${flow.sandbox.info.api}/auth/open/Outlook?ticket=${linkId}.${secret('forged ticket')}`);
  const back = await comeBack(browser, linkUrl, 'sender-2@acme.example');
  const confirm = `/auth/link/Outlook/${linkId}/confirm`;
  await flow.api.expect(409, 'POST', confirm, {
    body: proof(back, { startedBy, confirmation: secret('forged confirmation') }),
  });
  await flow.api.expect(400, 'POST', confirm, {
    body: { ...proof(back, { startedBy }), extra: secret('extra field') },
  });
  await flow.api.expect(409, 'POST', confirm, { body: proof(back, { startedBy: secret('session of another') }) });
}

function noteWhatWasIssued() {
  const { sandbox, api } = flow;
  credentials.add('the managed identity’s header', sandbox.settings['IDENTITY_HEADER']);
  credentials.add('a secret of the vault', ...sandbox.keyVault.snapshot().map(({ value }) => value));
  const history = browsers.flatMap((browser) => browser.history);
  for (const url of [...history.map(({ url }) => url), ...history.flatMap(({ location }) => location ?? [])]) {
    const query = new URL(url).searchParams;
    for (const name of ['ticket', 'state', 'confirmation', 'code', 'nonce']) {
      const value = query.get(name);
      // Of `<linkId>.<secret>`, the second part is the secret.
      credentials.add(`a ${name}`, value ?? undefined, value?.split('.')[1]);
    }
  }
  for (const { text } of api.answers) credentials.add('a ticket', /ticket=[^."]+\.([^"]+)/.exec(text)?.[1]);
  for (const browser of browsers) credentials.add('a cookie', ...browser.cookieValues());
}

/** Each leak once, however often it shows. */
function leaks(planted: Planted, searched: readonly Place[]): string[] {
  const found = searched.flatMap(({ where, text }) => planted.foundIn(text).map((what) => `${what} in ${where}`));
  return [...new Set(found)].sort();
}

describe('what is secret stays where it belongs', () => {
  it('the search has something to look for, and somewhere to look', () => {
    expect([...credentials.kinds]).toEqual(
      expect.arrayContaining([
        'a PKCE verifier',
        'a confirmation',
        'a cookie',
        'a nonce',
        'a refresh token',
        'a state',
        'a ticket',
        'an access token',
        'an authorization code',
        'an id token',
        'the customer-owned client secret',
        'the managed identity’s header',
        'the service provider’s client secret',
      ]),
    );
    for (const kind of ['log', 'table links', 'table mails', 'queue outlook-events', 'blob rejected-mail', 'control/'])
      expect(places.filter(({ where }) => where.startsWith(kind)).length, kind).toBeGreaterThan(0);
    // The held mail waits in its row, as does what nobody could read: what is there is found.
    const where = leaks(
      content,
      places.filter(({ holdsMail }) => holdsMail),
    ).join('\n');
    expect(where).toMatch(/the subject of a mail in table mails/);
    expect(where).toMatch(/the recipient of a mail in blob rejected-mail/);
  });

  it('no credential, code, ticket, state, confirmation, cookie or session in any log, table, queue, blob, answer or record', () => {
    const tokens = leaks(credentials, places);
    expect(tokens).toEqual([]);
  });

  it('the function key in none of them either', () => {
    const key = new Planted();
    key.add('the function key', flow.sandbox.info.functionKey);
    expect(
      leaks(
        key,
        places.filter(({ where }) => !where.startsWith('control/')),
      ),
    ).toEqual([]);
  });

  it('no subject, body, recipient, header or file name of a mail outside of where mail is kept', () => {
    const found = leaks(
      content,
      places.filter(({ holdsMail }) => !holdsMail),
    );
    // Whoever misspelled a field has to find it: the mail's own record and event name it (ADR 36). No log does.
    const told =
      /^the unknown field of a mail in (answer 200 to GET \S+\/mails\/|queue outlook-events$|table mails, .*, reason$)/;
    expect(found.filter((each) => !told.test(each))).toEqual([]);
  });

  it('secrets are named and tagged without what they hold', () => {
    for (const { name, tags } of flow.sandbox.keyVault.snapshot()) {
      expect(name).toMatch(/^(service-provider-client-secret|(client-secret|refresh-token)-[0-9a-f]{32})$/);
      expect(Object.keys(tags).sort().join()).toMatch(
        /^(application,customer,kind|connection,customer,kind|application,kind)$/,
      );
    }
  });
});
