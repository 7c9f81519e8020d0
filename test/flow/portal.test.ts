import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, List, Mail } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { linkMailbox } from './support/link.ts';
import { CUSTOMER } from './support/mails.ts';
import { mail } from './support/messages.ts';

let flow: Flow;
let connectionId: string;

beforeAll(async () => {
  flow = await startFlow();
  connectionId = await linkMailbox(flow, 'hr@acme.example');
}, 60_000);
afterAll(() => flow?.close());

/**
 * What Code + Test › Test/Run sends: the chosen key in the header, the function's default key in the URL, and, because it
 * compares names in small letters with names as they are, the parts of the path again as query parameters.
 */
function testRun<T>(status: number, method: string, route: string, query: Record<string, string>, body?: unknown) {
  const { functionKey } = flow.sandbox.info;
  const path = route.replace(/\{(\w+)\}/g, (_whole, name: string) => query[name] ?? '');
  const search = new URLSearchParams({ code: functionKey, ...query });
  const headers = {
    'cache-control': 'no-cache',
    'content-type': 'application/json',
  };
  return flow.api.expect<T>(status, method, `${path}?${search}`, { key: functionKey, headers, body });
}

const CONNECTION = '/customers/{customerId}/connections/{connectionId}';

describe('an admin runs a function in the Azure portal', () => {
  it('that lists, with a parameter of its own', async () => {
    const { items } = await testRun<List<Connection>>(200, 'GET', '/customers/{customerId}/connections', {
      customerId: CUSTOMER,
      limit: '1',
    });
    expect(items.map((each) => each.connectionId)).toEqual([connectionId]);
  });

  it('that reads one thing', async () => {
    const { status } = await testRun<Connection>(200, 'GET', CONNECTION, { customerId: CUSTOMER, connectionId });
    expect(status).toBe('connected');
  });

  it('that wants no body, with the empty one of the portal', async () => {
    const path = { customerId: CUSTOMER, connectionId };
    expect(await testRun<Connection>(200, 'POST', `${CONNECTION}/pause`, path, '{}')).toMatchObject({
      status: 'paused',
    });
    expect(await testRun<Connection>(200, 'POST', `${CONNECTION}/resume`, path, '')).toMatchObject({
      status: 'connected',
    });
  });

  it('that wants a body', async () => {
    const path = { customerId: CUSTOMER, connectionId };
    const sent = await testRun<Mail>(200, 'POST', `${CONNECTION}/test`, path, { to: 'you@example.com' });
    expect(sent.state).toBe('accepted');
  });

  it('that needs more parts of the path', async () => {
    const submitted = mail();
    await flow.mails.submit(connectionId, submitted);
    const path = { customerId: CUSTOMER, connectionId, mailId: submitted.mailId };
    expect(await testRun<Mail>(200, 'GET', `${CONNECTION}/mails/{mailId}`, path)).toMatchObject({
      mailId: submitted.mailId,
    });
  });
});

it('each such request is told as a warning, by the name of the function and without a key', () => {
  const told = flow.sandbox.logs.filter((line) => line.includes('"event":"api.key_in_url"'));
  for (const name of ['connections-list', 'connection-get', 'connection-pause', 'connection-test', 'mail-get'])
    expect(told.some((line) => line.includes(`"function":"${name}"`))).toBe(true);
  expect(flow.sandbox.logs.join('\n')).not.toContain(flow.sandbox.info.functionKey);
});

it('a part of the path that the query contradicts is refused', async () => {
  const { functionKey } = flow.sandbox.info;
  const path = `/customers/${CUSTOMER}/connections?code=${functionKey}&customerId=other`;
  const problem = await flow.api.expect(400, 'GET', path, { key: functionKey });
  expect(problem.code).toBe('invalid_request');
});

it('without the key in the header nothing is let in, and the repeated part of the path is none of ours', async () => {
  const { functionKey } = flow.sandbox.info;
  const path = `/customers/${CUSTOMER}/connections`;
  const inUrl = await flow.api.expect(400, 'GET', `${path}?code=${functionKey}`, { key: undefined });
  expect(inUrl.code).toBe('key_in_url');
});
