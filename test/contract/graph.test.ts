import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { sandboxDirectory } from '../../sandbox/directory.ts';
import { type Graph, type SentMail, startGraph } from '../../sandbox/graph/graph.ts';
import { throwawayCertificate } from '../../sandbox/kit/certificate.ts';
import type { Fault } from '../../sandbox/kit/journal.ts';
import { type Certificate, listen } from '../../sandbox/kit/serve.ts';
import { GraphClientMail } from '../../shared/azure/graph.ts';
import type { GraphMail } from '../../shared/mail/graph-answer.ts';
import { FakeGraph } from '../fakes/microsoft.ts';

const [account] = sandboxDirectory().accounts;
const BODY = JSON.stringify({
  message: {
    subject: 'Grüße 👋',
    body: { contentType: 'text', content: 'x' },
    toRecipients: [{ emailAddress: { address: 'ada@example.com' } }],
  },
});
const sent: SentMail[] = [];
let certificate: Certificate;
let graph: Graph;
let azure: GraphMail;

beforeAll(async () => {
  if (!account) throw new Error('the directory is empty');
  certificate = await throwawayCertificate();
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
  graph = await startGraph({
    tls: certificate,
    verify: (token) => (token === 'valid' ? { account, clientId: 'app', scopes: ['Mail.Send'] } : undefined),
    deliver: (mail) => {
      sent.push(mail);
    },
    publicValues: ['valid'],
  });
  azure = new GraphClientMail(`${graph.url}/v1.0`);
});
afterEach(() => {
  vi.unstubAllGlobals();
  sent.length = 0;
  graph.journal.requests.length = 0;
  graph.journal.faults.length = 0;
});
afterAll(() => graph.close());

const send = (subject: GraphMail = azure, token = 'valid', timeoutMs = 5_000) =>
  subject.send(token, BODY, 'our-id', timeoutMs);
const sendThrough = (fault: Fault) => {
  graph.journal.addFaults([fault]);
  return send();
};

describe.each([
  ['the fake', () => new FakeGraph() as GraphMail],
  ['the stand-in', () => azure],
])('Graph (%s)', (_name, subject) => {
  test('takes a mail with 202 and an id of its own', async () => {
    expect(await send(subject())).toEqual({ kind: 'answer', status: 202, requestId: expect.any(String) });
  });
});

describe('a mail', () => {
  test('leaves byte for byte as it was given, with our id and the token in the header', async () => {
    await send();
    expect(sent).toHaveLength(1);
    expect(graph.journal.requests).toMatchObject([
      {
        method: 'POST',
        path: '/v1.0/me/sendMail',
        body: BODY,
        headers: { 'content-type': 'application/json', 'client-request-id': 'our-id', authorization: 'Bearer valid' },
      },
    ]);
  });

  const answers: [string, Fault, object][] = [
    [
      'throttled, with Graph’s code and wait',
      { status: 429, headers: { 'retry-after': '17' }, body: { error: { code: 'TooManyRequests', message: 'x' } } },
      { status: 429, code: 'TooManyRequests', retryAfter: '17' },
    ],
    [
      'answered by a page of some proxy, whose status and wait count all the same',
      { status: 503, headers: { 'retry-after': 'Fri, 31 Dec 2027 23:59:59 GMT' }, body: '<h1>Busy</h1>' },
      { status: 503, retryAfter: 'Fri, 31 Dec 2027 23:59:59 GMT' },
    ],
    ['met by a gateway’s timeout', { status: 504 }, { status: 504 }],
    ['met by an error inside Graph', { status: 500, taken: true, body: '' }, { status: 500 }],
    [
      'refused',
      { status: 400, body: { error: { code: 'ErrorInvalidRecipients', message: 'ada@example.com is invalid' } } },
      { status: 400, code: 'ErrorInvalidRecipients' },
    ],
    [
      'refused with a nested code of Exchange’s',
      { status: 403, body: { error: { code: 'accessDenied', innerError: { code: 'ErrorSendAsDenied' } } } },
      { status: 403, code: 'accessDenied', innerCode: 'ErrorSendAsDenied' },
    ],
    [
      'refused with the nested code in its other spelling',
      { status: 403, body: { error: { code: 'accessDenied', innererror: { code: 'ErrorSendAsDenied' } } } },
      { status: 403, code: 'accessDenied', innerCode: 'ErrorSendAsDenied' },
    ],
    ['refused with an error that is empty', { status: 403, body: { error: null } }, { status: 403 }],
    [
      'refused with a code that is none',
      { status: 400, body: { error: { code: '<b>ada@example.com</b>' } } },
      { status: 400 },
    ],
    [
      'refused because a policy demands a new sign-in',
      {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="", error="insufficient_claims", claims="eyJ4IjoxfQ=="' },
        body: { error: { code: 'InvalidAuthenticationToken', message: 'x' } },
      },
      { status: 401, code: 'InvalidAuthenticationToken', challengeError: 'insufficient_claims' },
    ],
  ];
  test.each(answers)('is posted exactly once when it is %s', async (_what, fault, expected) => {
    expect(await sendThrough(fault)).toEqual({ kind: 'answer', requestId: expect.any(String), ...expected });
    expect(graph.journal.requests).toHaveLength(1);
  });

  test('is refused with its token, without a wait', async () => {
    expect(await send(azure, 'stale')).toMatchObject({
      kind: 'answer',
      status: 401,
      code: 'InvalidAuthenticationToken',
    });
  });

  test.each([302, 307, 308])('does not follow a redirect (%i): the token would go along', async (status) => {
    const elsewhere = `${graph.url}/v1.0/elsewhere`;
    expect(await sendThrough({ status, headers: { location: elsewhere } })).toMatchObject({ kind: 'answer', status });
    expect(graph.journal.requests.map(({ path }) => path)).toEqual(['/v1.0/me/sendMail']);
  });

  test.each(['before', 'after'] as const)(
    'has no answer, and is not posted again, when the connection is cut %s it was taken',
    async (drop) => {
      // On a connection that was used before, where a client may be tempted to try again.
      await send();
      graph.journal.requests.length = 0;
      sent.length = 0;
      expect(await sendThrough({ drop })).toMatchObject({ kind: 'noAnswer' });
      expect(graph.journal.requests).toHaveLength(1);
      expect(sent).toHaveLength(drop === 'after' ? 1 : 0);
    },
  );

  test('has no answer when Graph takes longer than it may', async () => {
    graph.journal.addFaults([{ delayMs: 400 }]);
    expect(await send(azure, 'valid', 100)).toEqual({ kind: 'noAnswer', cause: 'TimeoutError' });
    await vi.waitFor(() => expect(sent).toHaveLength(1));
  });
});

describe('a mail that nobody took is told from one that somebody may have taken', () => {
  test('nobody listens', async () => {
    const { url, close } = await tlsServer(certificate, () => undefined);
    await close();
    expect(await send(new GraphClientMail(url))).toEqual({ kind: 'notSent', cause: 'ECONNREFUSED' });
  });

  test('nobody has that name', async () => {
    expect(await send(new GraphClientMail('https://graph.invalid/v1.0'))).toMatchObject({ kind: 'notSent' });
  });

  test('the certificate is not to be trusted', async () => {
    const { url, seen, close } = await tlsServer(await throwawayCertificate(), (socket) => socket.end());
    expect(await send(new GraphClientMail(url))).toEqual({ kind: 'notSent', cause: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(seen()).toBe(0);
    await close();
  });

  test('the status was there and the rest of the answer was not', async () => {
    const { url, close } = await tlsServer(certificate, (socket) => {
      socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\nrequest-id: r\r\n\r\nab');
      setTimeout(() => socket.destroy(), 50);
    });
    expect(await send(new GraphClientMail(url))).toEqual({ kind: 'answer', status: 202, requestId: 'r' });
    await close();
  });

  test('the answer was no HTTP', async () => {
    const { url, seen, close } = await tlsServer(certificate, (socket) => socket.end('nonsense\r\n\r\n'));
    expect(await send(new GraphClientMail(url))).toMatchObject({ kind: 'noAnswer' });
    expect(seen()).toBe(1);
    await close();
  });

  const connect = (code: string) => ({ code, syscall: 'connect' });
  test.each([
    ['notSent', 'a connect timeout', { code: 'UND_ERR_CONNECT_TIMEOUT' }],
    ['notSent', 'a connect timeout of the system', connect('ETIMEDOUT')],
    ['notSent', 'no route, on every address', { errors: [connect('ETIMEDOUT'), connect('ENETUNREACH')] }],
    ['notSent', 'a name server that is away', { code: 'EAI_AGAIN', syscall: 'getaddrinfo' }],
    ['notSent', 'an expired certificate', { code: 'CERT_HAS_EXPIRED' }],
    ['noAnswer', 'a timeout on an open connection', { code: 'ETIMEDOUT', syscall: 'read' }],
    ['noAnswer', 'a reset', { code: 'ECONNRESET', syscall: 'read' }],
    ['noAnswer', 'a closed socket', { code: 'UND_ERR_SOCKET' }],
    ['noAnswer', 'a headers timeout', { code: 'UND_ERR_HEADERS_TIMEOUT' }],
    [
      'noAnswer',
      'several errors of which one is a reset',
      { errors: [connect('ECONNREFUSED'), { code: 'ECONNRESET' }] },
    ],
    ['noAnswer', 'several errors that are none', { errors: [] }],
    ['noAnswer', 'an error without a cause', undefined],
  ])('%s: %s', async (kind, _what, cause) => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed', { cause })));
    expect(await send()).toMatchObject({ kind, cause: expect.any(String) });
  });
});

/** An https server that speaks by hand. `seen` counts the requests that reached it. */
async function tlsServer(own: Certificate, speak: (socket: Socket) => void) {
  let count = 0;
  const server = createServer(own);
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket: Socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      count += 1;
      speak(socket);
    });
  });
  const port = await listen(server);
  return {
    url: `https://127.0.0.1:${port}/v1.0`,
    seen: () => count,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
