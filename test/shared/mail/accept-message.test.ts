import { beforeEach, describe, expect, test } from 'vitest';
import { actOnMail } from '../../../shared/mail/act-on-mail.ts';
import { CONTAINERS } from '../../../shared/storage-names.ts';
import { MailWorld } from './support.ts';

let world: MailWorld;

beforeEach(async () => {
  world = await MailWorld.create();
});

function rejected(messageId: string) {
  return world.blobs.kept.get(`${CONTAINERS.rejected}/${messageId}`);
}

describe('what producers put on the queue', () => {
  test.each<[string, (message: object) => unknown]>([
    ['as parsed JSON', (message) => message],
    ['as text', (message) => JSON.stringify(message)],
    ['as base64', (message) => Buffer.from(JSON.stringify(message)).toString('base64')],
    ['as text with a byte order mark', (message) => `\uFEFF${JSON.stringify(message)}`],
  ])('is sent when it comes %s', async (_how, spell) => {
    await world.deliver(spell(world.message()));
    expect(await world.record()).toMatchObject({ state: 'accepted', attempts: 1, graph: { status: 202 } });
    expect(world.graph.posted).toHaveLength(1);
  });

  test('is kept in rejected-mail when it is no JSON, and leaves no record', async () => {
    const id = await world.deliver('not json at all');
    expect(rejected(id)?.content.toString()).toBe('not json at all');
    expect(rejected(id)?.metadata['reason']).toBe('message_unreadable');
  });

  test('is kept in rejected-mail when it is base64 of something that is no UTF-8: nothing is sent half right', async () => {
    const latin1 = Buffer.from(JSON.stringify(world.message({ subject: 'Grüße' })), 'latin1').toString('base64');
    const id = await world.deliver(latin1);
    expect(rejected(id)?.metadata['reason']).toBe('message_unreadable');
    expect(world.graph.posted).toHaveLength(0);
  });

  test.each([[42], ['"text"'], [[]], [null], [{}]])('is kept in rejected-mail when it is %j', async (body) => {
    const id = await world.deliver(body);
    expect(rejected(id)?.metadata['reason']).toBe('message_invalid');
  });

  test('is kept in rejected-mail when the connection is another customer’s, and leaves no record', async () => {
    const id = await world.deliver(world.message({ customerId: 'globex' }));
    expect(rejected(id)?.metadata['reason']).toBe('connection_unknown');
    await expect(world.record()).rejects.toMatchObject({ code: 'not_found' });
  });

  test('takes the queue message’s id as mailId when it names none', async () => {
    const id = await world.deliver(world.message({ mailId: undefined }));
    expect(await world.record(id)).toMatchObject({ mailId: id, state: 'accepted' });
  });

  test.each([
    ['without sendAt', {}],
    ['with a sendAt before it', { sendAt: '2026-01-01T00:00:00Z' }],
  ])('that lay there until its expiresAt was over ends as expired, %s, and can be retried', async (_how, times) => {
    const expiresAt = new Date(world.clock.now().getTime() - 60_000).toISOString();
    await world.deliver(world.message({ expiresAt, ...times }));
    expect(await world.record()).toMatchObject({ state: 'expired', attempts: 0 });
    expect(world.graph.posted).toHaveLength(0);
    expect(world.told()).toEqual(['mail.expired']);
    const { customerId, connectionId } = world.connection;
    const owner = { customerId, connectionId };
    await actOnMail(world.app.mail, owner, 'mail-1', { kind: 'retry', attempt: 0 }, world.invocation());
    await world.deliverTickets();
    expect(await world.record()).toMatchObject({ state: 'accepted' });
  });

  test('with a past sendAt goes now', async () => {
    await world.deliver(world.message({ sendAt: '2020-01-01T00:00:00Z' }));
    expect(await world.record()).toMatchObject({ state: 'accepted' });
  });
});

test('the same time in another spelling is the same mail', async () => {
  await world.deliver(world.message({ expiresAt: '2027-01-04T08:00:00Z' }));
  await world.deliver(world.message({ expiresAt: '2027-01-04T09:00:00.000+01:00' }));
  expect(world.graph.posted).toHaveLength(1);
  expect(world.told()).toEqual([]);
});

describe('a mail that breaks a limit', () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ['501 recipients', { to: Array.from({ length: 501 }, (_, n) => `a${n}@example.com`) }, 'too_many_recipients: /to'],
    ['a recipient that is none', { to: [null] }, 'wrong_type: /to/0'],
    ['no recipient', { to: [] }, 'no_recipient: /to'],
    [
      'five headers',
      { headers: { 'x-a': '1', 'x-b': '1', 'x-c': '1', 'x-d': '1', 'x-e': '1' } },
      'too_many_headers: /headers',
    ],
    ['one header in two spellings', { headers: { 'x-a': '1', 'X-A': '2' } }, 'header_repeated: /headers'],
    ['a line break in the subject', { subject: 'a\r\nBcc: b@example.com' }, 'control_character: /subject'],
    ['a line break in a name', { to: [{ address: 'a@example.com', name: 'A\nB' }] }, 'control_character: /to/0/name'],
    ['an unknown field', { saveToSentItem: false }, 'unknown_field: /saveToSentItem'],
    ['another sender', { from: 'b@example.com' }, 'from_not_supported: /from'],
    ['a field of 40,000 characters', { ['x'.repeat(40_000)]: 1 }, 'unknown_field: /…'],
    ['a field with an address as its name', { 'ada@example.com': 1 }, 'unknown_field: /…'],
    [
      'an unknown field of the body',
      { body: { contentType: 'text', content: '', charset: 'utf-8' } },
      'unknown_field: /body/charset',
    ],
    ['a body that is missing its type', { body: { content: '' } }, 'required: /body/contentType'],
    ['a NUL in the content', { body: { contentType: 'text', content: 'a\0b' } }, 'control_character: /body/content'],
    ['a line separator in the subject', { subject: 'a\u2028b' }, 'control_character: /subject'],
    ['a paragraph separator in the subject', { subject: 'a\u2029b' }, 'control_character: /subject'],
    ['a subject that turns around', { subject: 'a\u202Eb' }, 'bidirectional_override: /subject'],
    [
      'a name that turns around',
      { to: [{ address: 'a@example.com', name: '\u2067A' }] },
      'bidirectional_override: /to/0/name',
    ],
    [
      'a file that looks like another',
      { attachments: [{ name: 'invoice\u202Efdp.exe', contentType: 'text/plain', contentBytes: '' }] },
      'bidirectional_override: /attachments/0/name',
    ],
    [
      'two inline images of one id',
      {
        attachments: ['a', 'b'].map((name) => ({ name, contentType: 'image/png', contentBytes: '', inlineId: 'logo' })),
      },
      'inline_id_repeated: /attachments',
    ],
    ['a reserved header', { headers: { 'x-ms-exchange': '1' } }, 'header_reserved: /headers/x-ms-exchange'],
    ['no body', { body: undefined }, 'required: /body'],
    ['sendAt in the next century', { sendAt: '2101-01-01T00:00:00Z' }, 'send_at_too_far: /sendAt'],
    [
      'expiresAt before sendAt',
      { sendAt: '2026-12-24T00:00:00Z', expiresAt: '2026-12-23T00:00:00Z' },
      'expires_before_send: /expiresAt',
    ],
    [
      'a blob of another connection',
      { body: undefined, contentBlob: 'acme/con_other/x' },
      'content_blob_foreign: /contentBlob',
    ],
    [
      'attachments over three million bytes',
      {
        attachments: [
          { name: 'a', contentType: 'text/plain', contentBytes: Buffer.alloc(3_000_001).toString('base64') },
        ],
      },
      'attachments_too_large: /attachments',
    ],
  ];

  test.each(cases)(
    '%s: is recorded as rejected with the field, and leaves its id free',
    async (_name, fields, reason) => {
      await world.deliver(world.message(fields));
      expect(await world.record()).toMatchObject({ state: 'rejected', reason, attempts: 0 });
      expect(world.told()).toEqual(['mail.rejected']);
      await world.deliver(world.message());
      expect(await world.record()).toMatchObject({ state: 'accepted' });
      expect(world.graph.posted).toHaveLength(1);
    },
  );

  test.each([
    ['marks of direction', 'שלום\u200E (1)\u200F'],
    ['an Arabic letter mark', 'مرحبا\u061C'],
    ['joiners', 'می\u200Cخواهم 👩\u200D💻'],
  ])('%s in a subject are language, and are sent', async (_what, subject) => {
    await world.deliver(world.message({ subject }));
    expect(await world.record()).toMatchObject({ state: 'accepted' });
  });

  test('a mailId with a slash is recorded under the message’s id', async () => {
    const id = await world.deliver(world.message({ mailId: 'a/b' }));
    expect(await world.record(id)).toMatchObject({ state: 'rejected', reason: 'invalid: /mailId' });
  });
});

describe('the same id', () => {
  test('with the same content is sent once, however often it comes', async () => {
    await Promise.all(Array.from({ length: 50 }, () => world.deliver(world.message())));
    await world.deliverTickets();
    expect(world.graph.posted).toHaveLength(1);
    expect(await world.record()).toMatchObject({ state: 'accepted', attempts: 1 });
  });

  test('with the fields in another order is the same message', async () => {
    await world.deliver(world.message());
    const reversed = Object.fromEntries(Object.entries(world.message()).reverse());
    const id = await world.deliver(reversed);
    expect(rejected(id)).toBeUndefined();
    expect(world.graph.posted).toHaveLength(1);
  });

  test('with defaults spelled out is the same message', async () => {
    await world.deliver(world.message());
    const spelled = { cc: [], bcc: [], attachments: [], headers: {}, importance: 'normal', saveToSentItems: true };
    const id = await world.deliver(world.message(spelled));
    expect(rejected(id)).toBeUndefined();
    expect(world.graph.posted).toHaveLength(1);
  });

  test('with another content is kept in rejected-mail with an event, and leaves the first alone', async () => {
    await world.deliver(world.message());
    const id = await world.deliver(world.message({ subject: 'Another' }));
    expect(rejected(id)?.metadata['reason']).toBe('id_reused');
    expect(world.told()).toEqual(['mail.rejected']);
    expect(await world.record()).toMatchObject({ state: 'accepted' });
  });
});

describe('content in a blob', () => {
  const blobOf = (name: string) => `${world.connection.customerId}/${world.connection.connectionId}/${name}`;
  const body = { contentType: 'html', content: '<p>From a blob</p>' };

  test('is sent and deleted afterwards', async () => {
    await world.blobs.put(CONTAINERS.drop, blobOf('letter.json'), Buffer.from(JSON.stringify({ body })));
    await world.deliver(world.message({ body: undefined, contentBlob: blobOf('letter.json') }));
    expect(world.graph.posted[0]?.body).toContain('<p>From a blob</p>');
    expect(world.blobs.kept.size).toBe(0);
  });

  test('that changes after intake is not sent', async () => {
    await world.blobs.put(CONTAINERS.drop, blobOf('letter.json'), Buffer.from(JSON.stringify({ body })));
    const sendAt = new Date(world.clock.now().getTime() + 600_000).toISOString();
    await world.deliver(world.message({ body: undefined, contentBlob: blobOf('letter.json'), sendAt }));
    await world.blobs.put(
      CONTAINERS.drop,
      blobOf('letter.json'),
      Buffer.from(JSON.stringify({ body: { ...body, content: 'x' } })),
    );
    await world.deliverTickets();
    expect(await world.record()).toMatchObject({ state: 'rejected', reason: 'content_changed' });
    expect(world.graph.posted).toHaveLength(0);
  });

  test('that is uploaded once more as it was, with its message, is sent', async () => {
    const put = () => world.blobs.put(CONTAINERS.drop, blobOf('letter.json'), Buffer.from(JSON.stringify({ body })));
    const sendAt = new Date(world.clock.now().getTime() + 600_000).toISOString();
    const message = world.message({ body: undefined, contentBlob: blobOf('letter.json'), sendAt });
    await put();
    await world.deliver(message);
    await put();
    await world.deliver(message);
    await world.deliverTickets();
    expect(await world.record()).toMatchObject({ state: 'accepted' });
    expect(world.graph.posted).toHaveLength(1);
  });

  test('that is another one when its message comes again is refused as a reused id', async () => {
    const put = (content: string) =>
      world.blobs.put(
        CONTAINERS.drop,
        blobOf('letter.json'),
        Buffer.from(JSON.stringify({ body: { ...body, content } })),
      );
    const sendAt = new Date(world.clock.now().getTime() + 600_000).toISOString();
    const message = world.message({ body: undefined, contentBlob: blobOf('letter.json'), sendAt });
    await put('one');
    await world.deliver(message);
    await put('another');
    const id = await world.deliver(message);
    expect(rejected(id)?.metadata['reason']).toBe('id_reused');
  });

  test('with a byte order mark is read like any other', async () => {
    const bytes = Buffer.from(`\uFEFF${JSON.stringify({ body })}`);
    await world.blobs.put(CONTAINERS.drop, blobOf('letter.json'), bytes);
    await world.deliver(world.message({ body: undefined, contentBlob: blobOf('letter.json') }));
    expect(await world.record()).toMatchObject({ state: 'accepted' });
  });

  test.each([
    ['is missing', undefined, 'content_blob_missing: /contentBlob'],
    ['is no JSON', 'x', 'content_blob_invalid: /contentBlob'],
    ['is no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'content_blob_invalid: /contentBlob'],
    ['has another shape', '{"body":1}', 'content_blob_invalid: /contentBlob'],
  ])('that %s is recorded as rejected', async (_name, content, reason) => {
    if (content !== undefined) await world.blobs.put(CONTAINERS.drop, blobOf('letter.json'), Buffer.from(content));
    await world.deliver(world.message({ body: undefined, contentBlob: blobOf('letter.json') }));
    expect(await world.record()).toMatchObject({ state: 'rejected', reason });
  });
});

test('twenty refused mails at once are told of once each', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `refused-${n}`);
  await Promise.all(ids.map((mailId) => world.deliver(world.message({ mailId, to: ['nope'] }))));
  await Promise.all(ids.map((mailId) => world.deliver(world.message({ mailId, to: ['nope'] }), 1, `again-${mailId}`)));
  expect(world.told()).toHaveLength(40);
});

test('a mail whose first delivery died is cancelled by the second when its connection was removed meanwhile', async () => {
  const { connectionId } = world.connection;
  const later = new Date(world.clock.now().getTime() + 600_000).toISOString();
  await world.deliver(world.message({ sendAt: later }), 1, 'message');
  await world.app.mail.lanes.setGate(connectionId, { to: () => 'removed' });
  await world.deliver(world.message({ sendAt: later }), 2, 'message');
  expect(await world.record()).toMatchObject({ state: 'cancelled', reason: 'connection_removed' });
});

test('a mail that comes for a connection that is being removed is cancelled or rejected, never sent', async () => {
  const { customerId, connectionId } = world.connection;
  await world.app.mail.lanes.setGate(connectionId, { to: () => 'removed' });
  await world.deliver(world.message());
  expect(await world.record()).toMatchObject({ customerId, state: 'cancelled', reason: 'connection_removed' });
  expect(world.graph.posted).toHaveLength(0);
});
