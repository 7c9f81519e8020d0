import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReceivedMail } from '../../sandbox/mailbox/received.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { linkMailbox } from './support/link.ts';
import { connectionPath } from './support/mails.ts';
import { enqueue, mail, message } from './support/messages.ts';
import { QUICK } from './support/quick.ts';

let flow: Flow;
let hr: string;

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 1, environment: QUICK });
  hr = await linkMailbox(flow, 'hr@acme.example');
});
afterAll(() => flow?.close());

/** Every byte there is, so that any treatment as text shows. */
const BYTES = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256)).toString('base64');
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const HTML = [
  '<!doctype html><html dir="rtl"><head><meta charset="utf-8"><style>p > b { color: #c00 }</style></head>',
  '<body><p>مرحبا &amp; <b>Grüße</b> 👋🏽 “quoted” &nbsp; =3D . </p>',
  '.a line that begins with a dot',
  `<p>${'a long line without a break '.repeat(60)}</p>`,
  '<img alt="logo" src="cid:logo@acme"><!-- a comment -->\t</body></html>',
].join('\n');

/** Everything that a mail may have. */
const FULL = {
  to: ['ada@example.com', { address: 'bob@example.com', name: 'Bob "the Builder", Jr.' }],
  cc: [
    { address: 'رئيس@مثال.إختبار', name: 'محمد بن سلمان' },
    { address: 'hr&co@müller.example', name: 'Jürgen Müller 🎉' },
  ],
  bcc: [{ address: 'secret@example.com', name: 'Hidden' }],
  replyTo: [{ address: 'answers@例え.example', name: '人事部' }, 'second@example.com'],
  subject: 'Willkommen 🎉 – مرحبا – 歓迎: "Größe" <b>',
  body: { contentType: 'html', content: HTML },
  attachments: [
    { name: 'Überblick – 概要 – ملخص 🎉.pdf', contentType: 'application/pdf', contentBytes: BYTES },
    { name: 'lines.txt', contentType: 'text/plain', contentBytes: Buffer.from('a\r\nb\nc\rd\n').toString('base64') },
    { name: 'empty.bin', contentType: 'application/octet-stream', contentBytes: '' },
    { name: 'logo.png', contentType: 'image/png', contentBytes: PIXEL, inlineId: 'logo@acme' },
  ],
  importance: 'high',
  headers: { 'x-case': '4711', 'X-Workflow-Step': 'Welcome of Zoë' },
  saveToSentItems: false,
} as const;

/** What a mail client shows of `FULL`. */
function expectFull(received: ReceivedMail): void {
  expect(received).toMatchObject({
    from: [{ address: 'hr@acme.example' }],
    to: [
      { address: 'ada@example.com', name: '' },
      { address: 'bob@example.com', name: 'Bob "the Builder", Jr.' },
    ],
    cc: [
      { address: 'رئيس@مثال.إختبار', name: 'محمد بن سلمان' },
      { address: 'hr&co@müller.example', name: 'Jürgen Müller 🎉' },
    ],
    bcc: [{ address: 'secret@example.com' }],
    subject: FULL.subject,
    headers: { 'x-case': '4711', 'x-workflow-step': 'Welcome of Zoë', importance: 'High' },
  });
  expect(received.headers['reply-to']).toMatch(/answers@(xn--r8jz45g|例え)\.example.*second@example\.com/s);
  expect(received.html).toBe(HTML);
  const shown = received.attachments.map(({ name, contentType, contentBytes, contentId = '' }) => ({
    name,
    contentType,
    contentBytes,
    contentId,
  }));
  const expected = FULL.attachments.map((each) => ({
    name: each.name,
    contentType: each.contentType,
    contentBytes: each.contentBytes,
    contentId: 'inlineId' in each ? `<${each.inlineId}>` : '',
  }));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  expect(shown.map((each) => ({ ...each, contentId: bracketed(each.contentId) })).sort(byName)).toEqual(
    expected.sort(byName),
  );
}

const bracketed = (id: string) => (id === '' || id.startsWith('<') ? id : `<${id}>`);

describe('everything that a mail may have', () => {
  it.each(['plain', 'base64'] as const)('from the queue, as %s text: arrives byte for byte', async (encoding) => {
    const sent = message(hr, FULL);
    await enqueue(flow, sent, encoding);
    expectFull(await flow.mails.arrives(sent.mailId));
    await traced(sent.mailId);
  });

  it('over HTTP: the same', async () => {
    const sent = mail(FULL);
    await flow.mails.submit(hr, sent);
    expectFull(await flow.mails.arrives(sent.mailId));
    await traced(sent.mailId);
  });

  it('in a blob: the same', async () => {
    const { body, attachments, ...rest } = FULL;
    const sent = message(hr, { ...rest, body: undefined });
    const name = `acme/${hr}/${sent.mailId}.json`;
    const content = JSON.stringify({ body, attachments });
    await flow
      .blobs()
      .getContainerClient('mail-drop')
      .getBlockBlobClient(name)
      .upload(content, Buffer.byteLength(content));
    await enqueue(flow, { ...sent, contentBlob: name });
    expectFull(await flow.mails.arrives(sent.mailId));
  });

  /** Our header leads from the mailbox to the record; Graph was told to keep no copy, and got domains as the DNS has them. */
  async function traced(mailId: string): Promise<void> {
    const [received] = await flow.mails.copies(mailId);
    expect(received?.headers['x-outlook-sender-mail-id']).toBe(mailId);
    const [call] = (await flow.requests('graph')).filter(({ body }) => body.includes(`"${mailId}"`));
    expect(JSON.parse(call?.body ?? '{}')).toMatchObject({
      saveToSentItems: false,
      message: {
        importance: 'high',
        ccRecipients: [
          { emailAddress: { address: 'رئيس@xn--mgbh0fb.xn--kgbechtv' } },
          { emailAddress: { address: 'hr&co@xn--mller-kva.example' } },
        ],
      },
    });
  }
});

describe('text', () => {
  it('arrives as it was written: scripts of both directions, emoji, tabs, tags that are none', async () => {
    const content = 'Grüße, 你好, שלום,\tمرحبا 👋🏽\n\n<b>no tag</b> &amp; =20\n.dot\n> quote\r\nFrom here\nend\r\n';
    const sent = message(hr, { body: { contentType: 'text', content } });
    await enqueue(flow, sent);
    const received = await flow.mails.arrives(sent.mailId);
    expect(received.text).toBe(content);
    expect(received.html).toBe('');
  });

  it('that is empty is a mail, too', async () => {
    const sent = message(hr, { subject: '', body: { contentType: 'text', content: '' } });
    await enqueue(flow, sent);
    expect((await flow.mails.arrives(sent.mailId)).subject).toBe('');
  });
});

describe.each(['low', 'normal', 'high'])('importance %s', (importance) => {
  it('is what a mail client shows', async () => {
    const sent = mail({ importance });
    await flow.mails.submit(hr, sent);
    const { headers } = await flow.mails.arrives(sent.mailId);
    expect(String(headers['importance'] ?? 'normal').toLowerCase()).toBe(importance);
  });
});

describe('another sender', () => {
  it.each(['from', 'sender'])('as %s is refused with the permission that it would need', async (field) => {
    const body = mail({ [field]: 'ceo@acme.example' });
    const problem = await flow.api.expect(400, 'POST', `${connectionPath(hr)}/mails`, { body });
    expect(problem).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: `/${field}`, code: 'from_not_supported' }],
    });
    expect(problem.errors?.[0]?.detail).toContain('Mail.Send.Shared');

    const queued = message(hr, { [field]: { address: 'ceo@acme.example' } });
    await enqueue(flow, queued);
    const record = await flow.mails.reaches(hr, queued.mailId, 'rejected');
    expect(record.reason).toBe(`from_not_supported: /${field}`);
  });
});
