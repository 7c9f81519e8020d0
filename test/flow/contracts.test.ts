import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE_IDS, EXAMPLES, QUEUE_MESSAGE } from '../../tools/contracts/examples.ts';
import { read } from '../guard/repository.ts';
import type { StartedLink } from './support/api.ts';
import { OPENAPI } from './support/contract.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { comeBack, connectionOn, linkMailbox, signIn } from './support/link.ts';
import { connectionPath } from './support/mails.ts';
import { enqueue, mail } from './support/messages.ts';
import { QUICK } from './support/quick.ts';
import { until } from './support/until.ts';

let flow: Flow;
/** What an example's ids and secrets stand for here, by the example's. */
const live = new Map([['hr@example.com', 'hr@acme.example']]);
const ran = new Set<string>();

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 2, environment: QUICK });
});
afterAll(() => flow?.close());

type Removal = { readonly connectionsLeft: number; readonly secretsRecoverableUntil?: string };

/** An example's value with the ids of this sandbox. */
function inserted<T>(value: T): T {
  const text = [...live].reduce((all, [from, to]) => all.replaceAll(from, to), JSON.stringify(value));
  return JSON.parse(text) as T;
}

/** Runs an example, and expects the answer that it shows: the same members, and the same words where they are fixed. */
async function run<T = unknown>(
  name: string,
  changes: { readonly mailId?: string; readonly body?: object } = {},
): Promise<T> {
  const example = EXAMPLES[name];
  if (!example) throw new Error(`There is no example ${name}.`);
  if (changes.mailId) live.set(EXAMPLE_IDS.mailId, changes.mailId);
  const [path = '', method = ''] = routeOf(name);
  const query = example.query ? `?${new URLSearchParams(inserted(example.query))}` : '';
  const body = example.body === undefined ? undefined : { ...inserted(example.body as object), ...changes.body };
  const filled = path.replace(/\{(\w+)\}/g, (_, key) => inserted(EXAMPLE_IDS[key as keyof typeof EXAMPLE_IDS]));
  const answer = await flow.api.call(method, `${filled}${query}`, body === undefined ? {} : { body });
  expect([name, answer.status, answer.text]).toEqual([name, example.status, answer.text]);
  const received = JSON.parse(answer.text) as T;
  expect(shape(received)).toEqual(shape(example.answer));
  ran.add(name);
  return received;
}

function routeOf(name: string): string[] {
  for (const [path, operations] of Object.entries(OPENAPI.paths)) {
    for (const [method, { operationId }] of Object.entries(operations)) {
      if (operationId === name) return [path, method.toUpperCase()];
    }
  }
  throw new Error(`The description has no operation ${name}.`);
}

const FIXED = [
  'state',
  'status',
  'reason',
  'ok',
  'attempts',
  'kind',
  'onUncertain',
  'displayName',
  'warnings',
  'waiting',
];

function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > 0 ? [shape(value[0])] : [];
  if (typeof value !== 'object' || value === null) return typeof value;
  const members = Object.entries(value).map(([key, each]) => [
    key,
    FIXED.includes(key) && typeof each !== 'object' ? each : shape(each),
  ]);
  return Object.fromEntries(members) as unknown;
}

it('the queue message that the schema shows is sent', async () => {
  const connectionId = await linkMailbox(flow, 'sender-2@acme.example');
  await enqueue(flow, { ...QUEUE_MESSAGE, connectionId });
  await flow.mails.reaches(connectionId, QUEUE_MESSAGE.mailId, 'accepted');
  await until('its copy', async () =>
    (await flow.mails.copies(QUEUE_MESSAGE.mailId)).some(({ from }) => from[0]?.address === 'sender-2@acme.example'),
  );
  // The list of connections below shows the example's own.
  await flow.api.expect(200, 'DELETE', connectionPath(connectionId));
});

describe('the examples of the description', () => {
  it('link a mailbox', async () => {
    const started = await run<StartedLink>('link-start');
    live.set(EXAMPLE_IDS.linkId, started.linkId);
    const back = await comeBack(flow.browser(), started.linkUrl, 'hr@acme.example');
    await run('link-state');
    const confirmation = back.get('confirmation') ?? '';
    const { connectionId } = await run<{ connectionId: string }>('link-confirm', { body: { confirmation } });
    live.set(EXAMPLE_IDS.connectionId, connectionId);
    await run('connections-list');
    await run('connection-get');
    await run('connection-pause');
    await run('connection-resume');
    await run('leavers-check');
    await run('connection-test');
  });

  it('check an application, and give it another secret', async () => {
    const { clientId, clientSecret, tenant } = flow.sandbox.info.customerOwned;
    const browser = flow.browser();
    const tab = await browser.open(`${flow.sandbox.info.hire2retire}/customer-owned`);
    const page = await browser.click(tab, 'Link account', { clientId, clientSecret });
    connectionOn(await signIn(browser, page, 'sender-1@acme.example'), 'sender-1@acme.example');
    live.set(EXAMPLE_IDS.clientId, clientId);
    for (const name of ['application-check', 'application-secret']) {
      const body = name === 'application-check' ? { clientSecret, tenant } : { clientSecret };
      await run(name, { body });
    }
    await run('applications-list');
  });

  it('submit, read and cancel mail', async () => {
    const hr = inserted(EXAMPLE_IDS.connectionId);
    await run('mail-submit');
    await flow.mails.arrives(EXAMPLE_IDS.mailId);
    await flow.mails.reaches(hr, EXAMPLE_IDS.mailId, 'accepted');
    await run('mail-get');
    await run('mails-list');
    const later = mail({ sendAt: new Date(Date.now() + 600_000).toISOString() });
    await flow.mails.submit(hr, later);
    await run('mail-cancel', { mailId: later.mailId });
  });

  it('retry what was rejected, and settle what is uncertain', async () => {
    const hr = inserted(EXAMPLE_IDS.connectionId);
    const ended = async (fault: object, state: string) => {
      const sent = mail();
      await flow.control('graph/faults', [{ match: { path: 'sendMail', contains: `"${sent.mailId}"` }, ...fault }]);
      await flow.mails.submit(hr, sent);
      await flow.mails.reaches(hr, sent.mailId, state);
      return sent.mailId;
    };
    const refused = { status: 400, body: { error: { code: 'ErrorInvalidRecipients', message: 'Planted.' } } };
    await run('mail-retry', { mailId: await ended(refused, 'rejected') });
    await run('mail-resolve', { mailId: await ended({ drop: 'after', taken: true }, 'uncertain') });
    for (const name of ['mails-retry', 'mails-resolve']) {
      const fault = name === 'mails-retry' ? refused : { drop: 'after', taken: true };
      const mailId = await ended(fault, name === 'mails-retry' ? 'rejected' : 'uncertain');
      await run(name, { mailId });
    }
  });

  it('change and remove the connection', async () => {
    await run('connection-patch');
    await run('connection-unlink');
  });

  it('ask how the app is', async () => {
    await run('health');
    await run('health-details');
  });

  it('remove a customer', async () => {
    await run('customer-remove');
    await until('the secrets to be deleted', async () => {
      const path = `/customers/${EXAMPLE_IDS.customerId}/removal`;
      const { connectionsLeft, ...rest } = await flow.api.expect<Removal>(200, 'GET', path);
      return connectionsLeft === 0 && rest.secretsRecoverableUntil !== undefined;
    });
    await run('customer-removal');
  });

  it('have all been run', () => {
    expect([...ran].sort()).toEqual(Object.keys(EXAMPLES).sort());
  });
});

describe('the contracts', () => {
  it.each([
    ['/openapi.json', 'docs/api/openapi.json'],
    ['/schemas/mail-message-v1.json', 'docs/api/mail-message-v1.json'],
  ])('GET %s is %s, and needs a key', async (path, file) => {
    expect(await flow.api.expect(200, 'GET', path)).toEqual(JSON.parse(read(file)));
    expect((await flow.api.call('GET', path, { key: undefined })).status).toBe(401);
  });
});
