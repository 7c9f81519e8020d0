import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Flow, startFlow } from './support/flow.ts';
import { linkMailbox } from './support/link.ts';
import { enqueue, message } from './support/messages.ts';
import { QUICK } from './support/quick.ts';

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ storage: 'identity', environment: { ...QUICK } });
});
afterAll(() => flow?.close());

it('with storage by identity, as on Azure, an account is linked and a mail is sent; no key is known to the functions', async () => {
  expect(Object.values(flow.sandbox.settings).join()).not.toContain('AccountKey');
  expect(flow.sandbox.settings['MailStorage__queueServiceUri']).toMatch(/^https:/);
  const connectionId = await linkMailbox(flow, 'hr@acme.example');
  const one = message(connectionId);
  await enqueue(flow, one);
  expect((await flow.mails.arrives(one.mailId)).subject).toBe(one['subject']);
  await flow.mails.reaches(connectionId, one.mailId, 'accepted');
});
