import { afterAll, beforeAll, expect, it } from 'vitest';
import { exampleIn } from '../guard/documents.ts';
import type { StartedLink } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { linkMailbox } from './support/link.ts';
import { enqueue } from './support/messages.ts';
import { QUICK } from './support/quick.ts';

let flow: Flow;
let connectionId: string;

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 1, environment: QUICK });
  connectionId = await linkMailbox(flow, 'hr@acme.example');
});
afterAll(() => flow?.close());

/** An example of a document with the ids of this sandbox. */
const here = (file: string, name: string) =>
  exampleIn(file, name)
    .replaceAll('con_0123456789abcdef0123456789abcdef', connectionId)
    .replaceAll('hr@example.com', 'hr@acme.example');

it('the README’s message is sent', async () => {
  await enqueue(flow, here('README.md', 'readme message'));
  expect(await flow.mails.arrives('welcome-4711')).toMatchObject({ subject: 'Welcome to Acme' });
});

it('content that is too big for the queue is sent as the producer’s guide says, and its blob is deleted', async () => {
  const message = here('docs/sending.md', 'blob message');
  const { contentBlob, mailId } = JSON.parse(message) as { contentBlob: string; mailId: string };
  const blob = flow.blobs().getContainerClient('mail-drop').getBlockBlobClient(contentBlob);
  const content = here('docs/sending.md', 'blob');
  await blob.upload(content, Buffer.byteLength(content));
  await enqueue(flow, message, 'base64');
  await flow.mails.reaches(connectionId, mailId, 'accepted');
  const received = await flow.mails.arrives(mailId);
  expect(received.attachments).toMatchObject([{ name: 'handbook.txt', contentBytes: 'VHVybiBsZWZ0Lg==' }]);
  expect(await blob.exists()).toBe(false);
});

it.each([
  ['sandbox rejected', 'rejected', 'ErrorInvalidRecipients'],
  ['sandbox uncertain', 'uncertain', 'no_answer'],
])('the sandbox’s guide, %s: the mail is %s', async (example, state, reason) => {
  await flow.control('graph/faults', JSON.parse(here('docs/sandbox.md', example)) as object);
  const mailId = example.replace(' ', '-');
  await enqueue(flow, { ...(JSON.parse(here('README.md', 'readme message')) as object), mailId });
  expect((await flow.mails.reaches(connectionId, mailId, state)).reason).toBe(reason);
});

it('a link is started as the integration guide shows', async () => {
  const body = here('docs/integration.md', 'link');
  expect((await flow.api.expect<StartedLink>(201, 'POST', '/auth/link/Outlook', { body })).warnings).toEqual([]);
});

it('an event looks as the integration guide shows it', async () => {
  const shown = JSON.parse(here('docs/integration.md', 'event')) as { data: object };
  const alertAddress = 'it@example.com';
  const path = `/customers/acme/connections/${connectionId}`;
  await flow.api.expect(200, 'PATCH', path, { body: { alertAddress } });
  await flow.control('identity/revoke', { address: 'hr@acme.example' });
  await flow.control('host/kill', {});
  await enqueue(flow, {
    ...(JSON.parse(here('README.md', 'readme message')) as object),
    mailId: 'after-the-end',
  });
  const told = await flow.events.tells('connection.needs_relink', { connectionId, alertAddress });
  expect(Object.keys(told)).toEqual(Object.keys(shown));
  expect(Object.keys(told.data).sort()).toEqual(Object.keys(shown.data).sort());
});
