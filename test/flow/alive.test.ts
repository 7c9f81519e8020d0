import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Flow, startFlow } from './support/flow.ts';
import { linkMailbox, startLink } from './support/link.ts';
import { CUSTOMER, connectionPath } from './support/mails.ts';
import { until } from './support/until.ts';

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow();
});
afterAll(() => flow?.close());

interface Shown {
  readonly status: string;
  readonly reason?: string;
  readonly trouble?: { readonly meaning: string; readonly whoActs: string; readonly action: string };
  readonly mailbox: { readonly tenantId: string; readonly objectId: string; readonly signInName: string };
}
interface Removal {
  readonly state: string;
  readonly connectionsLeft: number;
}

const PAST = '2026-01-01T00:00:00.000Z';
const show = (connectionId: string) => flow.api.expect<Shown>(200, 'GET', connectionPath(connectionId));
const run = (name: string) => flow.control('host/run', { function: name });
const edit = (rowKey: string, properties: Record<string, string>) =>
  flow.table('connections').updateEntity({ partitionKey: CUSTOMER, rowKey, ...properties }, 'Merge');
const rowsOf = async (table: string) => {
  const rows = [];
  for await (const row of flow.table(table).listEntities()) rows.push(row);
  return rows;
};

/** Has a connection checked now, as if its day had come. */
async function check(connectionId: string): Promise<void> {
  await edit(connectionId, { nextCheckAt: PAST, checkSlot: '' });
  await run('connections-scan');
}

describe('connections that nobody sends from', () => {
  it('are known to be dead by their check, with the cause in words, and work again with a new link', async () => {
    const connectionId = await linkMailbox(flow, 'hr@acme.example');
    await flow.control('identity/revoke', { address: 'hr@acme.example' });
    // Whoever had a token within the hour would not ask for another; a fresh process remembers none.
    await flow.control('host/renew', {});
    expect((await show(connectionId)).status).toBe('connected');
    await check(connectionId);
    const dead = await until('the dead link to be known', async () => {
      const connection = await show(connectionId);
      return connection.status === 'connected' ? undefined : connection;
    });
    expect(dead).toMatchObject({ status: 'needs_relink', reason: 'access_revoked', trouble: { whoActs: 'user' } });
    expect(await linkMailbox(flow, 'hr@acme.example')).toBe(connectionId);
    expect(await show(connectionId)).not.toHaveProperty('trouble');
  });

  it('are named to whoever is about to disable their accounts', async () => {
    const connectionId = await linkMailbox(flow, 'payroll@acme.example');
    const { tenantId, objectId, signInName } = (await show(connectionId)).mailbox;
    const ask = (...accounts: unknown[]) =>
      flow.api.expect(200, 'POST', `/customers/${CUSTOMER}/leavers/check`, { body: { accounts } });
    expect(await ask({ tenantId, objectId })).toEqual({ items: [{ connectionId, matchedBy: 'objectId' }] });
    expect(await ask({ signInName: signInName.toUpperCase() })).toEqual({
      items: [{ connectionId, matchedBy: 'signInName' }],
    });
    const { code } = await flow.api.expect(400, 'POST', `/customers/${CUSTOMER}/leavers/check`, {
      body: { accounts: [{ objectId }] },
    });
    expect(code).toBe('invalid_request');
  });
});

describe('the app', () => {
  it('tells how each of its dependencies is', async () => {
    const details = await flow.api.expect<{ status: string; dependencies: { name: string; status: string }[] }>(
      200,
      'GET',
      '/health/details',
    );
    expect(details.dependencies.map(({ name, status }) => [name, status])).toEqual(
      ['table', 'queue', 'blob', 'vault', 'login', 'graph'].map((name) => [name, 'ok']),
    );
    expect(details.status).toBe('ok');
    expect((await flow.api.call('GET', '/health/details', { key: undefined })).status).toBe(401);
  });

  it('measures itself, and keeps the count of connections', async () => {
    await run('measure');
    const figures = (await rowsOf('connections')).find(({ rowKey }) => rowKey === 'figures');
    expect(figures).toMatchObject({ partitionKey: '_' });
    expect(JSON.parse(String(figures?.['figures']))).toMatchObject({ byStatus: { connected: expect.any(Number) } });
  });
});

describe('a customer who leaves', () => {
  const removal = () => flow.api.expect<Removal>(200, 'GET', `/customers/${CUSTOMER}/removal`);

  it('is removed with everything, and can come back', async () => {
    expect((await flow.api.call('GET', `/customers/${CUSTOMER}/removal`)).status).toBe(404);
    const connectionId = await linkMailbox(flow, 'hr@acme.example');
    const { linkId } = await startLink(flow);
    const answer = await flow.api.call('DELETE', `/customers/${CUSTOMER}`);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toMatch(new RegExp(`/api/customers/${CUSTOMER}/removal$`));
    const body = {
      customerId: CUSTOMER,
      startedBy: 'x',
      returnTo: 'settings',
      application: { kind: 'serviceProvider' },
    };
    expect((await flow.api.expect(409, 'POST', '/auth/link/Outlook', { body })).code).toBe('customer_being_removed');
    await until('the connections to go', async () => (await removal()).connectionsLeft === 0);
    expect((await flow.api.call('GET', connectionPath(connectionId))).status).toBe(404);
    expect(
      flow.sandbox.keyVault.snapshot().filter(({ tags, deleted }) => tags['customer'] === CUSTOMER && !deleted),
    ).toEqual([]);
    const state = await flow.api.expect<{ state: string }>(
      200,
      'GET',
      `/auth/link/Outlook/${linkId}?customerId=${CUSTOMER}`,
    );
    expect(state.state).toBe('failed');

    // The first sweep has noted what it found; then a quarter of an hour passes in which nothing is found alive.
    const row = () =>
      flow.table('connections').getEntity<{ startedAt: string; quietSince: string }>(CUSTOMER, 'removal');
    await until('the first sweep', async () => {
      const { startedAt, quietSince } = await row();
      return quietSince !== startedAt;
    });
    await edit('removal', { quietSince: PAST, nextCheckAt: PAST });
    await run('connections-scan');
    await until('the removal', async () => (await removal()).state === 'removed');
    expect((await rowsOf('links')).filter(({ customerId }) => customerId === CUSTOMER)).toEqual([]);
    expect(await rowsOf('mails')).toEqual([]);
    const left = (await rowsOf('connections')).filter(({ partitionKey }) => partitionKey === CUSTOMER);
    expect(left.map(({ rowKey }) => rowKey)).toEqual(['removal']);

    expect(await linkMailbox(flow, 'hr@acme.example')).not.toBe(connectionId);
  });
});
