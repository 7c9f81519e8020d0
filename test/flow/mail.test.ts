import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, List, Mail, Problem } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { linkMailbox } from './support/link.ts';
import { CUSTOMER, connectionPath } from './support/mails.ts';
import { enqueue, mail, message, queued, rejected } from './support/messages.ts';
import { QUICK } from './support/quick.ts';
import { until } from './support/until.ts';

const RECIPIENTS_PER_DAY = 30;

let flow: Flow;
let hr: string;

beforeAll(async () => {
  const environment = { ...QUICK, MAIL_RECIPIENTS_PER_DAY: String(RECIPIENTS_PER_DAY) };
  flow = await startFlow({ extraMailboxes: 9, redeliverySeconds: 2, environment });
  hr = await linkMailbox(flow, 'hr@acme.example');
});
afterAll(() => flow?.close());

const mailsOf = (connectionId: string) => `${connectionPath(connectionId)}/mails`;
const graphCalls = async (mailId: string) =>
  (await flow.requests('graph')).filter(({ body }) => body.includes(`"${mailId}"`));

describe('a message on the queue is sent through the linked mailbox', () => {
  it.each(['plain', 'base64'] as const)('%s text: from, to, subject, body and our header', async (encoding) => {
    const subject = 'Grüße aus München 🎉';
    const content = 'First line\n"Quoted" & <tagged> – ends with ü';
    const { mailId, ...rest } = message(hr, { subject, body: { contentType: 'text', content } });
    await enqueue(flow, { mailId, ...rest }, encoding);

    const received = await flow.mails.arrives(mailId);
    expect(received).toMatchObject({
      from: [{ address: 'hr@acme.example' }],
      to: [{ address: 'ada@example.com' }],
      subject,
      headers: { 'x-outlook-sender-mail-id': mailId },
    });
    expect(received.text.trim()).toBe(content);
    const record = await flow.mails.reaches(hr, mailId, 'accepted');
    expect(record).toMatchObject({
      customerId: CUSTOMER,
      connectionId: hr,
      mailId,
      attempts: 1,
      graph: { status: 202 },
    });
    expect(record.graph?.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(record.acceptedAt).toBeDefined();
    const calls = await graphCalls(mailId);
    expect(calls.map(({ headers }) => headers['client-request-id'])).toEqual([record.graph?.clientRequestId]);
  });

  it('with everything that a mail may have', async () => {
    const { mailId, ...rest } = message(hr, {
      to: [{ address: 'ada@example.com', name: 'Ada, Countess' }],
      cc: ['cc@example.com'],
      bcc: ['bcc@example.com'],
      replyTo: ['answers@example.com'],
      body: { contentType: 'html', content: '<p>Hello <img src="cid:logo"></p>' },
      attachments: [
        { name: 'a.txt', contentType: 'text/plain', contentBytes: Buffer.from('text of a').toString('base64') },
        { name: 'l.png', contentType: 'image/png', contentBytes: 'iVBORw0KGgo=', inlineId: 'logo' },
      ],
      importance: 'high',
      headers: { 'x-case': '4711' },
      saveToSentItems: false,
    });
    await enqueue(flow, { mailId, ...rest });
    const received = await flow.mails.arrives(mailId);
    expect(received).toMatchObject({
      to: [{ address: 'ada@example.com', name: 'Ada, Countess' }],
      cc: [{ address: 'cc@example.com' }],
      bcc: [{ address: 'bcc@example.com' }],
      html: expect.stringContaining('<img src="cid:logo">'),
      headers: { 'x-case': '4711', 'reply-to': expect.stringContaining('answers@example.com') },
    });
    const attachments = new Map(received.attachments.map((attachment) => [attachment.name, attachment]));
    expect([...attachments.keys()].sort()).toEqual(['a.txt', 'l.png']);
    expect(attachments.get('l.png')?.contentId).toContain('logo');
    const text = attachments.get('a.txt')?.contentBytes ?? '';
    expect(Buffer.from(text, 'base64').toString()).toBe('text of a');
    const [call] = await graphCalls(mailId);
    expect(JSON.parse(call?.body ?? '{}')).toMatchObject({ saveToSentItems: false, message: { importance: 'high' } });
  });

  it('under the queue’s message id when it brings none of its own', async () => {
    const { mailId: _, ...rest } = message(hr);
    const messageId = await enqueue(flow, rest);
    await flow.mails.arrives(messageId);
    await flow.mails.reaches(hr, messageId, 'accepted');
  });

  it('once, although it was put there three times', async () => {
    const content = message(hr);
    await Promise.all([1, 2, 3].map(() => enqueue(flow, content)));
    await flow.mails.reaches(hr, content.mailId, 'accepted');
    await flow.mails.arrives(content.mailId);
    await until('an empty queue', async () => (await queued(flow)) === 0);
    expect(await graphCalls(content.mailId)).toHaveLength(1);
    expect(await flow.mails.copies(content.mailId)).toHaveLength(1);
  });

  it('with its content in a blob of the connection’s own folder, and in no other', async () => {
    const upload = async (name: string) => {
      const blob = flow.blobs().getContainerClient('mail-drop').getBlockBlobClient(name);
      const content = JSON.stringify({ body: { contentType: 'text', content: 'Out of a blob.' } });
      await blob.upload(content, content.length);
      return name;
    };
    const own = message(hr, { body: undefined, contentBlob: await upload(`${CUSTOMER}/${hr}/one.json`) });
    await enqueue(flow, own);
    expect((await flow.mails.arrives(own.mailId)).text).toContain('Out of a blob.');

    const foreign = message(hr, { body: undefined, contentBlob: await upload(`globex/${hr}/one.json`) });
    await enqueue(flow, foreign);
    const record = await flow.mails.reaches(hr, foreign.mailId, 'rejected');
    expect(record.reason).toBe('content_blob_foreign: /contentBlob');
  });
});

describe('a mail over HTTP', () => {
  it('is answered 202 with its address, and 200 when it is sent again', async () => {
    const body = mail();
    const first = await flow.api.call('POST', mailsOf(hr), { body });
    expect(first.status).toBe(202);
    const location = first.headers.get('location') ?? '';
    expect(location).toBe(`${flow.sandbox.info.api}${mailsOf(hr)}/${body.mailId}`);
    expect(JSON.parse(first.text)).toMatchObject({ mailId: body.mailId, state: 'queued', attempts: 0 });

    // The same fields in another order are the same mail.
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    const again = await flow.api.call('POST', mailsOf(hr), { body: reordered });
    expect([again.status, again.headers.get('location')]).toEqual([200, location]);
    await flow.mails.reaches(hr, body.mailId, 'accepted');
    await flow.api.expect(200, 'POST', mailsOf(hr), { body });
    await flow.mails.arrives(body.mailId);
    expect(await graphCalls(body.mailId)).toHaveLength(1);
  });

  it('with an id that stands for another content: 409 id_reused, and the first one is unaffected', async () => {
    const body = mail();
    await flow.mails.submit(hr, body);
    const problem = await flow.api.expect(409, 'POST', mailsOf(hr), { body: { ...body, subject: 'Another one' } });
    expect(problem.code).toBe('id_reused');
    expect((await flow.mails.arrives(body.mailId)).subject).toBe(body['subject']);
  });

  it('with an attachment of nearly three megabytes goes through a blob, of which nothing is left', async () => {
    const contentBytes = Buffer.alloc(2_900_000, 'large ').toString('base64');
    const body = mail({ attachments: [{ name: 'large.bin', contentType: 'application/octet-stream', contentBytes }] });
    await flow.mails.submit(hr, body);
    await flow.mails.reaches(hr, body.mailId, 'accepted');
    expect((await flow.mails.arrives(body.mailId)).attachments).toMatchObject([{ name: 'large.bin', size: 2_900_000 }]);
    await until('no content to be left', async () => {
      for await (const _ of flow.blobs().getContainerClient('mail-content').listBlobsFlat()) return false;
      return true;
    });
  });

  it('for later waits until then, and can be cancelled while it waits', async () => {
    const sendAt = new Date(Date.now() + 2500).toISOString();
    const soon = mail({ sendAt });
    const cancelled = mail({ sendAt });
    await flow.mails.submit(hr, soon);
    await flow.mails.submit(hr, cancelled);
    const answer = await flow.api.expect<Mail>(200, 'DELETE', `${mailsOf(hr)}/${cancelled.mailId}`);
    expect(answer).toMatchObject({ state: 'cancelled', reason: 'cancelled_by_request' });

    const record = await flow.mails.reaches(hr, soon.mailId, 'accepted');
    expect((record.acceptedAt ?? '') >= sendAt).toBe(true);
    expect(await graphCalls(cancelled.mailId)).toEqual([]);
    const late = await flow.api.expect(409, 'DELETE', `${mailsOf(hr)}/${soon.mailId}`);
    expect(late.code).toBe('already_sending');
  });

  it('is listed by state, page by page', async () => {
    const accepted = await flow.api.expect<List<Mail>>(200, 'GET', `${mailsOf(hr)}?state=accepted`);
    expect(new Set(accepted.items.map(({ state }) => state))).toEqual(new Set(['accepted']));
    const collected: string[] = [];
    for (let after = ''; ; ) {
      const page = await flow.api.expect<List<Mail>>(200, 'GET', `${mailsOf(hr)}?state=accepted&limit=2${after}`);
      expect(page.items.length).toBeLessThanOrEqual(2);
      collected.push(...page.items.map(({ mailId }) => mailId));
      if (page.next === undefined) break;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
    expect(collected).toEqual(accepted.items.map(({ mailId }) => mailId));
    const cancelled = await flow.api.expect<List<Mail>>(200, 'GET', `${mailsOf(hr)}?state=cancelled`);
    expect(cancelled.items).toHaveLength(1);
    await flow.api.expect(400, 'GET', `${mailsOf(hr)}?state=lost`);
    await flow.api.expect(404, 'GET', `${mailsOf(hr)}/unknown`);
  });
});

describe('mail that comes while another is being sent', () => {
  it.each(['over HTTP', 'from the queue'])('%s goes right after it, not when a lease would have ended', async (way) => {
    const [first, second] = [message(hr), message(hr)];
    const match = { path: 'sendMail', contains: `"${first.mailId}"` };
    await flow.control('graph/faults', [{ match, delayMs: 1000 }]);
    await enqueue(flow, first);
    await flow.mails.reaches(hr, first.mailId, 'sending');
    const { version: _v, customerId: _c, connectionId: _i, ...body } = second;
    await (way === 'over HTTP' ? flow.mails.submit(hr, body) : enqueue(flow, second));
    await flow.mails.reaches(hr, first.mailId, 'accepted');
    await flow.mails.reaches(hr, second.mailId, 'accepted', 5);
  });

  it('and so it is at a fresh link, whose own ticket is under way, through both ways in at once', async () => {
    // Larger than a row holds: taken in a little later than what is on the queue.
    const body = { contentType: 'text', content: 'x'.repeat(100_000) };
    for (let sender = 4; sender < 10; sender += 1) {
      const connectionId = await linkMailbox(flow, `sender-${sender}@acme.example`);
      const [overHttp, ...fromQueue] = [mail({ body }), message(connectionId), message(connectionId)] as const;
      await Promise.all(fromQueue.map((one) => enqueue(flow, one)));
      await flow.mails.submit(connectionId, overHttp);
      for (const { mailId } of [...fromQueue, overHttp]) await flow.mails.reaches(connectionId, mailId, 'accepted', 5);
    }
  });
});

describe('a mail over a limit is refused with the limit', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `person-${index}@example.com`);
  const bytes = (count: number) => Buffer.alloc(count).toString('base64');
  const file = (count: number) => ({
    name: 'a.bin',
    contentType: 'application/octet-stream',
    contentBytes: bytes(count),
  });
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

  const TOO_MUCH: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['501 recipients', { to: many(501) }, '/to too_many_recipients'],
    ['501 recipients in to, cc and bcc', { to: many(200), cc: many(200), bcc: many(101) }, '/to too_many_recipients'],
    ['nobody to send to', { to: [] }, '/to no_recipient'],
    ['an address that is none', { to: ['ada'] }, '/to/0 invalid'],
    ['no content', { body: undefined }, '/body required'],
    [
      '5 headers',
      { headers: { 'x-a': '1', 'x-b': '1', 'x-c': '1', 'x-d': '1', 'x-e': '1' } },
      '/headers too_many_headers',
    ],
    [
      'a header that is not the producer’s',
      { headers: { 'x-ms-exchange': '1' } },
      '/headers/x-ms-exchange header_reserved',
    ],
    [
      'our own header',
      { headers: { 'X-Outlook-Sender-Mail-Id': 'forged' } },
      '/headers/X-Outlook-Sender-Mail-Id header_reserved',
    ],
    ['a line break in the subject', { subject: 'One\r\nBcc: everyone@example.com' }, '/subject control_character'],
    ['a line break in a name', { to: [{ address: 'a@example.com', name: 'A\nB' }] }, '/to/0/name control_character'],
    ['a mail of more than a year ahead', { sendAt: inDays(367) }, '/sendAt send_at_too_far'],
    ['an end before the beginning', { sendAt: inDays(2), expiresAt: inDays(1) }, '/expiresAt expires_before_send'],
  ];
  const TOO_BIG: typeof TOO_MUCH = [
    [
      'attachments of 3,000,001 bytes',
      { attachments: [file(1_500_000), file(1_500_001)] },
      '/attachments attachments_too_large',
    ],
    [
      'a request of more than 4 MiB',
      { body: { contentType: 'text', content: 'x'.repeat(4_194_304) } },
      ' mail_too_large',
    ],
    ['a time that is over', { sendAt: inDays(-1) }, '/sendAt send_at_past'],
  ];

  it.each([...TOO_MUCH, ...TOO_BIG])('over HTTP: %s', async (_name, changes, expected) => {
    const body = mail(changes);
    const problem: Problem = await flow.api.expect(400, 'POST', mailsOf(hr), { body });
    expect(problem.code).toBe('invalid_request');
    expect(problem.errors?.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([expected]);
    // Nothing is stored, so that the corrected mail may have the id.
    await flow.api.expect(404, 'GET', `${mailsOf(hr)}/${body.mailId}`);
  });

  it('over HTTP: a body larger than any mail is 413', async () => {
    const problem = await flow.api.expect(413, 'POST', mailsOf(hr), {
      body: mail({ subject: 'x'.repeat(13_000_001) }),
    });
    expect(problem.code).toBe('payload_too_large');
  });

  it('from the queue: the record is rejected with the same reason, and its event tells', async () => {
    const bad = TOO_MUCH.map(([, changes, expected]) => ({ content: message(hr, changes), expected }));
    await Promise.all(bad.map(({ content }) => enqueue(flow, content, 'base64')));
    for (const { content, expected } of bad) {
      const record = await flow.mails.reaches(hr, content.mailId, 'rejected');
      const [pointer = '', code] = expected.split(' ');
      expect(record.attempts).toBe(0);
      // The names that a producer made up himself are left out: a record tells nothing of a mail's content.
      const [, told, where = ''] = /^(\w+): (.+)$/.exec(record.reason ?? '') ?? [];
      expect([told, pointer.startsWith(where)], record.reason).toEqual([code, true]);
      await flow.events.tells('mail.rejected', { mailId: content.mailId, connectionId: hr });
      expect(await graphCalls(content.mailId)).toEqual([]);
    }
  });

  it('and leaves its id free: the corrected message takes its place', async () => {
    const wrong = message(hr, { to: [] });
    await enqueue(flow, wrong);
    await flow.mails.reaches(hr, wrong.mailId, 'rejected');
    await enqueue(flow, { ...wrong, to: ['ada@example.com'] });
    await flow.mails.arrives(wrong.mailId);
    expect(await flow.mails.reaches(hr, wrong.mailId, 'accepted')).not.toHaveProperty('reason');
  });

  it('but more recipients than a mailbox may have in a day only wait, without costing an attempt', async () => {
    const connectionId = await linkMailbox(flow, 'sender-1@acme.example');
    const [first, second] = [mail({ to: many(RECIPIENTS_PER_DAY - 5) }), mail({ to: many(6) })];
    await flow.mails.submit(connectionId, first);
    await flow.mails.reaches(connectionId, first.mailId, 'accepted');
    await flow.mails.submit(connectionId, second);
    const { lane } = await until('the lane to wait', async () => {
      const connection = await flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId));
      return connection.lane?.pausedUntil !== undefined && connection;
    });
    expect(lane?.waiting).toBe(1);
    expect(new Date(lane?.pausedUntil ?? 0).getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    expect(await flow.mails.get(connectionId, second.mailId)).toMatchObject({ attempts: 0 });
    expect(await graphCalls(second.mailId)).toEqual([]);
  });
});

describe('a message that is nobody’s mail is kept for an operator and gone from the queue', () => {
  async function isKept(content: unknown, reason: unknown) {
    const messageId = await enqueue(flow, content);
    const kept = await until('the message to be kept', () => rejected(flow, messageId));
    expect(kept).toMatchObject({ reason });
    await until('an empty queue', async () => (await queued(flow)) === 0);
    return kept.text;
  }

  it.each(['this is no JSON', '{"version":1,', '%%%', 'bm8gSlNPTiBlaXRoZXI='])('not JSON: %s', async (text) => {
    expect(await isKept(text, 'message_unreadable')).toBe(text);
  });

  it.each(['{}', '[]', '"text"', '7', 'null'])('JSON without an owner: %s', async (text) => {
    await isKept(text, expect.stringMatching(/^message_(invalid|unreadable)$/));
  });

  it('for another customer’s connection: no record, nothing sent', async () => {
    const content = { ...message(hr), customerId: 'globex' };
    await isKept(content, 'connection_unknown');
    await flow.api.expect(404, 'GET', `${mailsOf(hr)}/${content.mailId}`);
    expect(await graphCalls(content.mailId)).toEqual([]);
  });

  it('for a connection that does not exist', async () => {
    await isKept(message(`con_${'0'.repeat(32)}`), 'connection_unknown');
  });

  it('that reuses an id for another content; the event says so', async () => {
    const content = message(hr);
    await enqueue(flow, content);
    await flow.mails.reaches(hr, content.mailId, 'accepted');
    await isKept({ ...content, subject: 'Another one' }, 'id_reused');
    await flow.events.tells('mail.rejected', { mailId: content.mailId, reason: 'id_reused' });
    expect((await flow.mails.get(hr, content.mailId)).state).toBe('accepted');
    expect(await graphCalls(content.mailId)).toHaveLength(1);
  });
});

describe('a connection', () => {
  it('that is paused holds its mail, from both ways in; resumed, it lets it go', async () => {
    const connectionId = await linkMailbox(flow, 'sender-2@acme.example');
    const paused = await flow.api.expect<Connection>(200, 'POST', `${connectionPath(connectionId)}/pause`);
    expect(paused.status).toBe('paused');
    await flow.events.tells('connection.paused', { connectionId });
    const first = mail();
    const second = message(connectionId);
    await flow.mails.submit(connectionId, first);
    await flow.mails.reaches(connectionId, first.mailId, 'held');
    await enqueue(flow, second);
    expect((await flow.mails.reaches(connectionId, second.mailId, 'held')).reason).toBe('paused');
    const held = await flow.api.expect<List<Mail>>(200, 'GET', `${mailsOf(connectionId)}?state=held`);
    expect(held.items.map(({ mailId }) => mailId).sort()).toEqual([first.mailId, second.mailId].sort());
    await until('both messages to be done', async () => (await queued(flow)) === 0);

    await flow.api.expect<Connection>(200, 'POST', `${connectionPath(connectionId)}/resume`);
    await flow.mails.reaches(connectionId, first.mailId, 'accepted');
    await flow.mails.reaches(connectionId, second.mailId, 'accepted');
    await flow.mails.arrives(first.mailId);
    await flow.events.tells('connection.resumed', { connectionId });
    expect(await flow.mails.copies(first.mailId)).toHaveLength(1);
  });

  it('sends a test mail at once and answers what became of it', async () => {
    const body = { to: 'ada@example.com' };
    const record = await flow.api.expect<Mail>(200, 'POST', `${connectionPath(hr)}/test`, { body });
    expect(record).toMatchObject({ state: 'accepted', connectionId: hr, graph: { status: 202 } });
    expect((await flow.mails.arrives(record.mailId)).subject).toBe('Test mail from Hire2Retire');
  });

  it('whose account has no mailbox says so at the test, and holds its mail', async () => {
    const connectionId = await linkMailbox(flow, 'kiosk@acme.example');
    const body = { to: 'ada@example.com' };
    const record = await flow.api.expect<Mail>(200, 'POST', `${connectionPath(connectionId)}/test`, { body });
    expect(record).toMatchObject({ state: 'held', reason: 'no_mailbox' });
    const connection = await flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId));
    expect(connection).toMatchObject({ status: 'no_mailbox', reason: 'MailboxNotEnabledForRESTAPI' });
    await flow.events.tells('connection.no_mailbox', { connectionId });
  });

  it('is changed by PATCH', async () => {
    const change = { displayName: 'New name', onUncertain: 'resend', alertAddress: 'it@acme.example' };
    const changed = await flow.api.expect<object>(200, 'PATCH', connectionPath(hr), { body: change });
    expect(changed).toMatchObject(change);
    const back = { onUncertain: 'hold', alertAddress: '' };
    expect(await flow.api.expect<object>(200, 'PATCH', connectionPath(hr), { body: back })).not.toHaveProperty(
      'alertAddress',
    );
    await flow.api.expect(400, 'PATCH', connectionPath(hr), { body: {} });
    await flow.api.expect(400, 'PATCH', connectionPath(hr), { body: { status: 'connected' } });
  });

  it('of one customer is not there for another', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/pause'],
      ['POST', '/resume'],
      ['GET', '/mails'],
    ] as const)
      await flow.api.expect(404, method, `/customers/globex/connections/${hr}${path}`);
    await flow.api.expect(404, 'POST', `/customers/globex/connections/${hr}/mails`, { body: mail() });
    const { items } = await flow.api.expect<List<Connection>>(200, 'GET', '/customers/globex/connections');
    expect(items).toEqual([]);
  });

  it('that is unlinked cancels its waiting mail, deletes its secrets, and is gone', async () => {
    const connectionId = await linkMailbox(flow, 'sender-3@acme.example');
    const path = connectionPath(connectionId);
    await flow.api.expect<Connection>(200, 'POST', `${path}/pause`);
    const body = mail();
    await flow.mails.submit(connectionId, body);
    const tokens = () => flow.sandbox.keyVault.snapshot().filter(({ tags }) => tags['connection'] === connectionId);
    expect(tokens()).toMatchObject([{ deleted: false }]);

    const answer = await flow.api.expect<object>(200, 'DELETE', path);
    expect(answer).toMatchObject({
      connectionId,
      state: 'removed',
      withdrawConsentAt: expect.stringMatching(/^https:/),
    });
    expect(Date.parse((answer as { secretsRecoverableUntil: string }).secretsRecoverableUntil)).toBeGreaterThan(
      Date.now(),
    );
    expect(tokens()).toMatchObject([{ deleted: true }]);
    await flow.events.tells('connection.removed', { connectionId });
    expect(await recordsOf(connectionId)).toEqual([[body.mailId, 'cancelled', 'connection_removed']]);

    for (const [method, end] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/resume'],
      ['DELETE', `/mails/${body.mailId}`],
    ] as const)
      await flow.api.expect(404, method, `${path}${end}`);
    // What became of its mail can still be read.
    expect(await flow.mails.get(connectionId, body.mailId)).toMatchObject({
      state: 'cancelled',
      reason: 'connection_removed',
    });
    const late = message(connectionId);
    const messageId = await enqueue(flow, late);
    // An instance that still remembers the connection cancels the mail; any other finds that it is nobody's.
    await until('an end of the late message', async () => {
      const record = (await recordsOf(connectionId)).find(([mailId]) => mailId === late.mailId);
      return record?.[1] === 'cancelled' || (await rejected(flow, messageId))?.reason === 'connection_unknown';
    });
    expect(await graphCalls(body.mailId)).toEqual([]);
    expect(await graphCalls(late.mailId)).toEqual([]);
  });

  /** The API shows nothing of a connection that is gone; its records stay in the table for 30 days. */
  async function recordsOf(connectionId: string) {
    const filter = `PartitionKey eq '${connectionId}' and RowKey gt '1'`;
    const rows = flow.table('mails').listEntities<Record<string, unknown>>({ queryOptions: { filter } });
    const records: unknown[][] = [];
    for await (const { mailId, state, reason } of rows) records.push([mailId, state, reason]);
    return records;
  }
});

// Last, because such a message would keep the queue busy if it were delivered again and again.
describe('a message that is odd in every way', () => {
  it('with an unknown field of an absurdly long name ends like any other', async () => {
    const odd = message(hr, { ['x'.repeat(40_000)]: 1 });
    await enqueue(flow, odd, 'plain');
    const record = await flow.mails.reaches(hr, odd.mailId, 'rejected', 5);
    expect(record.reason?.length).toBeLessThan(300);
    await flow.events.tells('mail.rejected', { mailId: odd.mailId });
  });
});
