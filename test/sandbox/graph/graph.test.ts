import tls from 'node:tls';
import { Client, GraphError } from '@microsoft/microsoft-graph-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Account, sandboxDirectory } from '../../../sandbox/directory.ts';
import { type Graph, type SentMail, startGraph } from '../../../sandbox/graph/graph.ts';
import { throwawayCertificate } from '../../../sandbox/kit/certificate.ts';

const { accounts } = sandboxDirectory();
const accountOf = (kind: Account['kind']) => {
  const account = accounts.find((candidate) => candidate.kind === kind);
  if (!account) throw new Error(`The directory has no ${kind}.`);
  return account;
};
const HR = accountOf('mailbox');

/** Tokens of the test are the kind of an account, a colon and the scope. */
function verify(token: string) {
  const [kind, scope] = token.split(/:(.*)/);
  const account = accounts.find((candidate) => candidate.kind === kind);
  return account && { account, clientId: 'the-app', scopes: [scope ?? ''] };
}

const delivered: SentMail[] = [];
let deliver: (mail: SentMail) => Promise<void> | void;
let graph: Graph;

beforeAll(async () => {
  const certificate = await throwawayCertificate();
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
  graph = await startGraph({
    tls: certificate,
    verify,
    publicValues: [],
    latencyMs: 20,
    deliver: (mail) => deliver(mail),
  });
  deliverToList();
});

afterEach(() => {
  delivered.length = 0;
  graph.journal.requests.length = 0;
  graph.journal.faults.length = 0;
  deliverToList();
});

afterAll(() => graph.close());

describe('a mail that Graph accepts', () => {
  it('is answered with 202, without a body, with both request ids', async () => {
    const response = await post(mailTo('ada@example.com'), { 'client-request-id': 'ours' });
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('');
    expect(response.headers.get('client-request-id')).toBe('ours');
    expect(response.headers.get('request-id')).toBe(delivered[0]?.requestId);
    expect(response.headers.has('date')).toBe(true);
  });

  it('is delivered once, as its mailbox', async () => {
    await post({ ...mailTo('ada@example.com'), saveToSentItems: false });
    expect(delivered).toMatchObject([
      { mailbox: HR.address, name: HR.name, saveToSentItems: false, message: { subject: 'Hello' } },
    ]);
  });

  it('may come from the Graph SDK', async () => {
    const response: unknown = await sdk('mailbox:Mail.Send').api('/me/sendMail').post(mailTo('ada@example.com'));
    expect(response).not.toBeInstanceOf(GraphError);
    expect(delivered).toHaveLength(1);
  });

  it('stays accepted when the delivery fails', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    deliver = () => Promise.reject(new Error('mailbox full'));
    expect((await post(mailTo('ada@example.com'))).status).toBe(202);
    await vi.waitFor(() => expect(log).toHaveBeenCalled());
    log.mockRestore();
  });

  it('may use any case for enumerations and leave out what may be null', async () => {
    const message = {
      ...mailTo('ada@example.com').message,
      importance: 'High',
      body: { contentType: 'HTML', content: '<p>x</p>' },
      ccRecipients: null,
    };
    expect((await post({ message })).status).toBe(202);
    expect(delivered[0]?.message).toMatchObject({ importance: 'high', body: { contentType: 'html' } });
  });

  it('may have exactly 4,194,304 bytes', async () => {
    expect((await post(padded(4_194_304))).status).toBe(202);
  });
});

describe('who may send', () => {
  it('nobody without a token, and the answer says where to get one', async () => {
    const response = await fetch(`${graph.url}/v1.0/me/sendMail`, { method: 'POST' });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
    expect(await errorOf(response)).toMatchObject({ code: 'InvalidAuthenticationToken' });
  });

  it.each([
    ['a token nobody issued', 'nobody:Mail.Send', 401, 'InvalidAuthenticationToken'],
    ['a token without Mail.Send', 'mailbox:User.Read', 403, 'ErrorAccessDenied'],
    ['an account without a mailbox', 'noMailbox:Mail.Send', 404, 'MailboxNotEnabledForRESTAPI'],
    ['a guest', 'guest:Mail.Send', 404, 'MailboxNotEnabledForRESTAPI'],
  ])('not %s', async (_, token, status, code) => {
    const response = await post(mailTo('ada@example.com'), { authorization: `Bearer ${token}` });
    expect({ status: response.status, code: (await errorOf(response)).code }).toEqual({ status, code });
    expect(delivered).toEqual([]);
  });

  it.each(['personal:Mail.Send', 'otherTenant:https://graph.microsoft.com/Mail.Send'])('%s may', async (token) => {
    expect((await post(mailTo('ada@example.com'), { authorization: `Bearer ${token}` })).status).toBe(202);
  });

  it('nobody as another mailbox', async () => {
    const from = { emailAddress: { address: 'boss@acme.example' } };
    const response = await post({ message: { ...mailTo('ada@example.com').message, from } });
    expect({ status: response.status, code: (await errorOf(response)).code }).toEqual({
      status: 403,
      code: 'ErrorSendAsDenied',
    });
  });
});

describe('what Graph refuses', () => {
  const header = (name: string, value = 'value') => ({ name, value });
  const withHeaders = (...internetMessageHeaders: object[]) => withFields({ internetMessageHeaders });
  const withAttachment = (attachment: object) => withFields({ attachments: [attachment] });
  const many = (count: number) => Array.from({ length: count }, (_, i) => recipient(`r${i}@example.com`));

  it.each<[string, unknown, number, string]>([
    ['what is not JSON', '{', 400, 'BadRequest'],
    ['nothing', '', 400, 'BadRequest'],
    ['no message', {}, 400, 'RequestBodyRead'],
    ['an unknown parameter', { ...mailTo('ada@example.com'), save: true }, 400, 'RequestBodyRead'],
    ['an unknown property of the message', withFields({ color: 'red' }), 400, 'RequestBodyRead'],
    ['a property of another type', withFields({ subject: 7 }), 400, 'RequestBodyRead'],
    ['an unknown kind of body', withFields({ body: { contentType: 'rtf' } }), 400, 'RequestBodyRead'],
    ['an attachment without its type', withAttachment({ name: 'a', contentBytes: '' }), 400, 'RequestBodyRead'],
    [
      'an attachment that is not base64',
      withAttachment({ '@odata.type': '#microsoft.graph.fileAttachment', name: 'a', contentBytes: '%' }),
      400,
      'RequestBodyRead',
    ],
    ['no recipient', withFields({ toRecipients: [] }), 400, 'ErrorInvalidRecipients'],
    ['an address without @', mailTo('ada'), 400, 'ErrorInvalidRecipients'],
    ['an address with a space', mailTo('ada b@example.com'), 400, 'ErrorInvalidRecipients'],
    ['an address with a line end', mailTo('ada@example.com\r\n'), 400, 'ErrorInvalidRecipients'],
    ['an empty address', mailTo(''), 400, 'ErrorInvalidRecipients'],
    ['a bad address to reply to', withFields({ replyTo: [recipient('ada@')] }), 400, 'ErrorInvalidRecipients'],
    [
      '501 recipients in all',
      withFields({ toRecipients: many(250), ccRecipients: many(250), bccRecipients: many(1) }),
      400,
      'ErrorRecipientLimitExceeded',
    ],
    [
      'six headers',
      withHeaders(...['x-a', 'x-b', 'x-c', 'x-d', 'x-e', 'x-f'].map((name) => header(name))),
      400,
      'InvalidInternetMessageHeaderCollection',
    ],
    ['a header that is not x-…', withHeaders(header('Received')), 400, 'InvalidInternetMessageHeader'],
    ['a header of two lines', withHeaders(header('x-a', 'b\r\nBcc: c')), 400, 'InvalidInternetMessageHeader'],
    ['more than 4,194,304 bytes', padded(4_194_305), 413, 'RequestEntityTooLarge'],
  ])('%s', async (_, body, status, code) => {
    const response = await post(body);
    expect({ status: response.status, code: (await errorOf(response)).code }).toEqual({ status, code });
    expect(delivered).toEqual([]);
    expect(graph.journal.requests.at(-1)).toMatchObject({ status, taken: false, mailbox: HR.address });
  });

  it('but not five headers and 500 recipients', async () => {
    const headers = ['x-a', 'x-b', 'X-C', 'x-d', 'x-e'].map((name) => header(name));
    const response = await post(withFields({ toRecipients: many(500), internetMessageHeaders: headers }));
    expect(response.status).toBe(202);
  });

  it.each([
    ['GET', '/v1.0/me/sendMail'],
    ['GET', '/v1.0/me'],
    ['POST', '/v1.0/users/hr@acme.example/sendMail'],
    ['POST', '/beta/me/sendMail'],
  ])('%s %s, with an error like any other', async (method, path) => {
    const response = await fetch(`${graph.url}${path}`, {
      method,
      headers: { authorization: 'Bearer mailbox:Mail.Send' },
    });
    expect(response.status).toBe(404);
    expect((await errorOf(response)).innerError).toMatchObject({
      'request-id': response.headers.get('request-id'),
      'client-request-id': response.headers.get('client-request-id'),
      date: expect.any(String),
    });
  });

  it('shows in the Graph SDK as code, status and request id', async () => {
    const error: unknown = await sdk('mailbox:Mail.Send')
      .api('/me/sendMail')
      .post(mailTo('ada'))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ statusCode: 400, code: 'ErrorInvalidRecipients', requestId: expect.any(String) });
  });
});

describe('concurrency', () => {
  it('is limited to four requests per application and mailbox; the others are throttled', async () => {
    const others = await Promise.all(
      Array.from({ length: 4 }, () => post(mailTo('ada@example.com'), { authorization: 'Bearer personal:Mail.Send' })),
    );
    graph.journal.addFaults([{ delayMs: 500, times: 6 }]);
    const responses = await Promise.all(Array.from({ length: 6 }, () => post(mailTo('ada@example.com'))));
    const throttled = responses.filter(({ status }) => status === 429);
    expect(others.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect(throttled).toHaveLength(2);
    expect(throttled[0]?.headers.get('retry-after')).toBe('1');
    expect(await errorOf(throttled[0] as Response)).toMatchObject({ code: 'ApplicationThrottled' });
    expect(statsOf(HR.address)?.maxInFlight).toBe(6);
  });

  it('counts a request that a fault delays', async () => {
    const account = accountOf('otherTenant');
    graph.journal.addFaults([{ delayMs: 500, times: 3 }]);
    const authorization = 'Bearer otherTenant:Mail.Send';
    await Promise.all(Array.from({ length: 3 }, () => post(mailTo('ada@example.com'), { authorization })));
    expect(statsOf(account.address)?.maxInFlight).toBe(3);
  });

  it('counts mails sent by mailbox', async () => {
    const before = statsOf(HR.address)?.sent ?? 0;
    await post(mailTo('ada@example.com'));
    await post(mailTo('nobody'));
    expect(statsOf(HR.address)?.sent).toBe(before + 1);
  });
});

describe('the record of requests', () => {
  it('names the mailbox, keeps the body and hides the token', async () => {
    await post(mailTo('ada@example.com'));
    expect(graph.journal.requests).toMatchObject([
      { status: 202, taken: true, mailbox: HR.address, body: JSON.stringify(mailTo('ada@example.com')) },
    ]);
    expect(JSON.stringify(graph.journal.requests)).not.toContain('mailbox:Mail.Send');
  });

  it('cuts a body after 100 KB', async () => {
    await post(padded(200_000));
    expect(graph.journal.requests[0]?.body).toHaveLength(102_400);
  });

  it('tells a lost answer from a lost request', async () => {
    graph.journal.addFaults([{ drop: 'after' }, { drop: 'before' }, { status: 503, taken: true }, { status: 503 }]);
    await expect(post(mailTo('ada@example.com'))).rejects.toThrow();
    await expect(post(mailTo('ada@example.com'))).rejects.toThrow();
    const withEffect = await post(mailTo('ada@example.com'));
    await post(mailTo('ada@example.com'));
    expect(graph.journal.requests.map(({ taken, mailbox }) => ({ taken, mailbox }))).toEqual(
      [true, false, true, false].map((taken) => ({ taken, mailbox: HR.address })),
    );
    expect(delivered).toHaveLength(2);
    expect(withEffect.headers.get('request-id')).toBe(delivered[1]?.requestId);
  });
});

function deliverToList(): void {
  deliver = (mail) => {
    delivered.push(mail);
  };
}

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${graph.url}/v1.0/me/sendMail`, {
    method: 'POST',
    headers: { authorization: 'Bearer mailbox:Mail.Send', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

function sdk(token: string): Client {
  const client = { getAccessToken: () => Promise.resolve(token) };
  return Client.initWithMiddleware({ authProvider: client, baseUrl: graph.url, customHosts: new Set(['127.0.0.1']) });
}

function recipient(address: string) {
  return { emailAddress: { address } };
}

function mailTo(address: string) {
  const body = { contentType: 'text', content: 'Hello' };
  return { message: { subject: 'Hello', body, toRecipients: [recipient(address)] } };
}

function withFields(fields: object) {
  return { message: { ...mailTo('ada@example.com').message, ...fields } };
}

/** A mail whose request has this many bytes. */
function padded(bytes: number): string {
  const base = JSON.stringify(mailTo('ada@example.com'));
  return base.replace('"content":"', `"content":"${'x'.repeat(bytes - base.length)}`);
}

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly innerError: Record<string, string>;
}

async function errorOf(response: Response): Promise<ErrorBody> {
  return ((await response.json()) as { error: ErrorBody }).error;
}

function statsOf(address: string) {
  return graph.stats().mailboxes.find((mailbox) => mailbox.address === address);
}
