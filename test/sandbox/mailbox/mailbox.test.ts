import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SentMail } from '../../../sandbox/graph/graph.ts';
import type { GraphFileAttachment, GraphMessage } from '../../../sandbox/graph/message.ts';
import { type Mailbox, startMailbox } from '../../../sandbox/mailbox/mailbox.ts';
import type { ReceivedMail } from '../../../sandbox/mailbox/received.ts';

/** Bytes that any treatment as text would change. */
const BYTES = Buffer.from([0xff, 0xe9, 0x0a, 0x0d, 0x0d, 0x0a, 0x80, 0x41, 0x00]);
let mailbox: Mailbox;

beforeAll(async () => {
  mailbox = await startMailbox({});
});

afterEach(async () => {
  await fetch(mailbox.apiUrl, { method: 'DELETE' });
});

afterAll(() => mailbox.close());

describe('a mail in the mailbox', () => {
  it('has names, addresses and a subject in any script, and blind copies from the envelope', async () => {
    await deliver({
      subject: 'Grüße, 你好 ✓',
      toRecipients: [recipient('ada@example.com', 'Ada Lövelace, "Countess"'), recipient('b@example.com')],
      ccRecipients: [recipient('c@example.com', '李')],
      bccRecipients: [recipient('secret@example.com', 'Hidden')],
      replyTo: [recipient('answers@example.com', 'Réponses')],
    });
    const [mail] = await received();
    expect(mail).toMatchObject({
      from: [{ address: 'hr@acme.example', name: 'Ümlaut HR' }],
      to: [
        { address: 'ada@example.com', name: 'Ada Lövelace, "Countess"' },
        { address: 'b@example.com', name: '' },
      ],
      cc: [{ address: 'c@example.com', name: '李' }],
      bcc: [{ address: 'secret@example.com', name: '' }],
      subject: 'Grüße, 你好 ✓',
    });
    expect(mail?.headers).toMatchObject({ 'reply-to': 'Réponses <answers@example.com>' });
    expect(mail?.headers).not.toHaveProperty('bcc');
  });

  it('keeps its HTML as it was sent, with references to inline images', async () => {
    const content = '<p>Hällo <b>Ada</b> <img src="cid:logo"> <script>1</script></p>';
    const logo = file({ name: 'logo.png', contentType: 'image/png', contentId: 'logo', isInline: true });
    await deliver({ body: { contentType: 'html', content }, attachments: [logo] });
    const [mail] = await received();
    expect(mail).toMatchObject({
      html: content,
      attachments: [{ name: 'logo.png', contentType: 'image/png', contentId: 'logo' }],
    });
    expect(mail?.text).toContain('Hällo Ada');
    await fetch(`${mailbox.url}/api/email/${mail?.id}/html`);
    expect((await received())[0]?.html).toBe(content);
  });

  const bodies = [
    'Hällo,\n\n.\nAda',
    'one\r\ntwo\nthree\r four\r\n\r\n',
    ' spaces \t\n\n',
    '--boundary\r\nFrom here\n=20 é 👋🏽',
    '',
    `long ${'x'.repeat(5000)}`,
    '\uFEFFmark',
  ];

  it.each(bodies)('keeps plain text byte for byte: %j', async (content) => {
    for (const attachments of [[], [file({ name: 'a.txt', contentType: 'text/plain' })]]) {
      await deliver({ body: { contentType: 'text', content }, attachments });
      expect(await received()).toMatchObject([{ text: content, html: '' }]);
      await fetch(mailbox.apiUrl, { method: 'DELETE' });
    }
  });

  it.each(bodies)('keeps HTML byte for byte: %j', async (text) => {
    const content = `<p>${text}</p>\r\n`;
    const logo = file({ name: 'logo.png', contentType: 'image/png', contentId: 'logo', isInline: true });
    for (const attachments of [[], [logo], [logo, file({ name: 'page.html', contentType: 'text/html' })]]) {
      await deliver({ body: { contentType: 'html', content }, attachments });
      expect((await received())[0]?.html).toBe(content);
      await fetch(mailbox.apiUrl, { method: 'DELETE' });
    }
  });

  it('shows header lines with addresses beyond ASCII as they were written', async () => {
    await deliver({
      toRecipients: [recipient('grüße@müller.example', 'Jürgen'), recipient('رئيس@مثال.إختبار', 'محمد')],
    });
    const [mail] = await received();
    expect(mail?.headers['to']).toMatch(/grüße@/);
    expect(mail?.headers['to']).toMatch(/محمد.*رئيس@/);
  });

  it('has every byte of every attachment, whatever its type and name', async () => {
    const attachments = [
      file({ name: 'a.pdf', contentType: 'application/pdf' }),
      file({ name: 'Größe.csv', contentType: 'text/csv' }),
      file({ name: 'mail.eml', contentType: 'message/rfc822', contentBytes: base64('Subject: x\n\nline\n') }),
      file({ name: 'page.html', contentType: 'text/html', isInline: true, contentBytes: base64('<p>é</p>\n') }),
      file({ name: 'same.bin', contentType: null, contentBytes: base64('one') }),
      file({ name: 'same.bin', contentType: null, contentBytes: base64('two') }),
      file({ name: 'empty.txt', contentType: 'text/plain', contentBytes: '' }),
    ];
    await deliver({ attachments });
    const [mail] = await received();
    const nameAndBytes = ({ name, contentBytes }: { name: string; contentBytes: string }) => ({ name, contentBytes });
    expect(mail?.attachments.map(nameAndBytes)).toEqual(attachments.map(nameAndBytes));
    expect(mail?.attachments[0]?.size).toBe(BYTES.length);
  });

  it('has the headers and the importance it was sent with', async () => {
    await deliver({
      importance: 'high',
      internetMessageHeaders: [
        { name: 'x-outlook-sender-mail-id', value: 'mail-1' },
        { name: 'X-Long', value: 'ünïcode '.repeat(30).trim() },
      ],
    });
    expect((await received())[0]?.headers).toMatchObject({
      'x-outlook-sender-mail-id': 'mail-1',
      'x-long': 'ünïcode '.repeat(30).trim(),
      importance: expect.stringMatching(/^high$/i),
    });
  });

  it('reads no file and no address that its content names', async () => {
    await deliver({ attachments: [file({ name: '/etc/hostname', contentBytes: base64('mine') })] });
    expect((await received())[0]?.attachments[0]?.contentBytes).toBe(base64('mine'));
  });
});

describe('the mailbox', () => {
  it('keeps the mails of each sender in the order in which they were accepted', async () => {
    const senders = ['a@acme.example', 'b@acme.example', 'c@acme.example'];
    const numbers = Array.from({ length: 12 }, (_, i) => String(i));
    await Promise.all(numbers.flatMap((subject) => senders.map((sender) => deliver({ subject }, sender))));
    const mails = await received();
    for (const sender of senders)
      expect(mails.filter(({ from }) => from[0]?.address === sender).map(({ subject }) => subject)).toEqual(numbers);
  });

  it('is empty after DELETE', async () => {
    await deliver({});
    expect((await fetch(mailbox.apiUrl, { method: 'DELETE' })).status).toBe(204);
    expect(await received()).toEqual([]);
  });

  it('takes the next mail after one that could not be delivered', async () => {
    const impossible = deliver({ toRecipients: [] });
    const next = deliver({ subject: 'next' });
    await expect(impossible).rejects.toThrow();
    await next;
    expect(await received()).toMatchObject([{ subject: 'next' }]);
  });

  it('waits for deliveries when it is closed', async () => {
    const other = await startMailbox({});
    const deliveries = Promise.all(['1', '2', '3'].map((subject) => other.deliver(sent({ subject }))));
    await other.close();
    await expect(deliveries).resolves.toBeDefined();
  });
});

describe('the page for people', () => {
  it('needs nothing from elsewhere', async () => {
    const page = await (await fetch(mailbox.url, { headers: { accept: 'text/html' } })).text();
    const links = [...page.matchAll(/<(?:script|link rel="stylesheet")[^>]* (?:src|href)="([^"]+)"/g)];
    expect(links.length).toBeGreaterThan(1);
    for (const [, link = ''] of links) {
      const url = new URL(link, mailbox.url);
      expect(url.origin).toBe(mailbox.url);
      const content = await (await fetch(url)).text();
      expect(content.length).toBeGreaterThan(1000);
      expect(content).not.toMatch(/(?:@import|url\()\s*["']?https?:/);
    }
  });

  it('hears of new mail by websocket', async () => {
    const socket = new WebSocket(`${mailbox.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    const [opened] = (await once(socket, 'message')) as [MessageEvent<string>];
    expect(opened.data).toContain('"sid"');
    const heard: string[] = [];
    socket.addEventListener('message', (event: MessageEvent<string>) => heard.push(event.data));
    socket.send('40');
    await vi.waitFor(() => expect(heard.join()).toContain('sid'));
    await deliver({ subject: 'news' });
    await vi.waitFor(() => expect(heard.join()).toContain('news'));
    socket.close();
  });
});

describe('other sites', () => {
  it('cannot read the mailbox by a name that resolves to this machine', async () => {
    expect(await statusOf('GET', '/messages', { host: 'evil.example' })).toBe(403);
    expect(await statusOf('GET', '/api/email', { host: 'evil.example' })).toBe(403);
  });

  it('cannot delete mail', async () => {
    await deliver({});
    for (const path of ['/messages', '/api/email/all'])
      expect(await statusOf('DELETE', path, { origin: 'https://evil.example' })).toBe(403);
    expect(await received()).toHaveLength(1);
  });

  it('get no leave to read by CORS', async () => {
    const response = await fetch(`${mailbox.url}/api/email`, { headers: { origin: 'https://evil.example' } });
    expect(response.headers.has('access-control-allow-origin')).toBe(false);
  });

  it('cannot listen by websocket', async () => {
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', origin: 'https://evil.example' };
    expect(await statusOf('GET', '/socket.io/?EIO=4&transport=websocket', upgrade)).toBe(403);
  });
});

function deliver(message: Partial<GraphMessage>, sender?: string): Promise<void> {
  return mailbox.deliver(sent(message, sender));
}

function sent(message: Partial<GraphMessage>, sender = 'hr@acme.example'): SentMail {
  const defaults = {
    toRecipients: [recipient('ada@example.com')],
    body: { contentType: 'text', content: 'x' },
  } as const;
  return {
    mailbox: sender,
    name: 'Ümlaut HR',
    message: { ...defaults, toRecipients: [...defaults.toRecipients], ...message },
    saveToSentItems: true,
    requestId: 'request',
    at: new Date(),
  };
}

function recipient(address: string, name?: string) {
  return { emailAddress: { address, name } };
}

function file(fields: Partial<GraphFileAttachment> & { readonly name: string }): GraphFileAttachment {
  return { '@odata.type': '#microsoft.graph.fileAttachment', contentBytes: BYTES.toString('base64'), ...fields };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

async function received(): Promise<ReceivedMail[]> {
  return (await fetch(mailbox.apiUrl)).json() as Promise<ReceivedMail[]>;
}

/** With headers that fetch would not let a program choose. */
async function statusOf(method: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
  const call = request(`${mailbox.url.replace('localhost', '127.0.0.1')}${path}`, { method, headers, agent: false });
  call.end();
  const [response] = await once(call, 'response');
  response.resume();
  return response.statusCode;
}
