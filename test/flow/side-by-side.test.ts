import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { comeBack, linkRequest, proof } from './support/link.ts';
import { QUICK } from './support/quick.ts';
import { until } from './support/until.ts';

const PAIRS = 8;
const ROUNDS = 3;
const [FIRST, SECOND] = ['hr@acme.example', 'payroll@acme.example'] as const;

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ workers: 2, environment: { ...QUICK } });
});
afterAll(() => flow?.close());

const own = () => {
  const { clientId, clientSecret, tenant } = flow.sandbox.info.customerOwned;
  return { application: { kind: 'customerOwned', clientId, clientSecret, tenant } };
};
const customer = (customerId: string, path: string) => `/customers/${customerId}/${path}`;
const all = <T>(count: number, each: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => each(index)));

/** A link up to the point at which `confirm` makes the connection. */
async function authorized(customerId: string, address: string, changes: object = {}) {
  const body = linkRequest({ customerId, ...changes });
  const { linkId, linkUrl } = await flow.api.expect<{ linkId: string; linkUrl: string }>(
    201,
    'POST',
    '/auth/link/Outlook',
    { body },
  );
  const back = await comeBack(flow.browser(), linkUrl, address);
  const confirm = () =>
    flow.api.call('POST', `/auth/link/Outlook/${linkId}/confirm`, { body: proof(back, { customerId }) });
  return { linkId, confirm };
}

async function connected(link: { confirm: () => Promise<{ status: number; text: string }> }): Promise<Connection> {
  const { status, text } = await link.confirm();
  if (status !== 201) throw new Error(`a confirm answered ${status}: ${text}`);
  return JSON.parse(text) as Connection;
}

/** A mail goes out through the connection, with whatever its rows and the vault hold. */
async function sends(customerId: string, connectionId: string): Promise<void> {
  const path = customer(customerId, `connections/${connectionId}/test`);
  const { state } = await flow.api.expect<{ state: string }>(200, 'POST', path, { body: { to: 'ada@example.com' } });
  expect(state).toBe('accepted');
}

/** Every secret of a customer is named by a row, and every row's secret is there. */
async function expectNoStrays(customerId: string): Promise<void> {
  const kept = flow.sandbox.keyVault
    .snapshot()
    .filter(({ tags, deleted }) => tags['customer'] === customerId && !deleted)
    .map(({ name }) => name);
  const current: string[] = [];
  const named: string[] = [];
  for (const table of ['connections', 'applications']) {
    const filter = `PartitionKey eq '${customerId}'`;
    for await (const row of flow.table(table).listEntities({ queryOptions: { filter } })) {
      if (row['secretName']) current.push(String(row['secretName']));
      for (const name of ['secretName', 'previousSecretName']) if (row[name]) named.push(String(row[name]));
      expect([row['heldBy'] ?? '', row['removingSince'] ?? '']).toEqual(['', '']);
    }
  }
  expect(kept, 'a row names a secret that is there').toEqual(expect.arrayContaining(current));
  expect(named, 'a secret has a row that names it').toEqual(expect.arrayContaining(kept));
}

describe('the application’s last mailbox is unlinked while another is linked through it', () => {
  it(`${PAIRS} customers at once, ${ROUNDS} times: the other is linked, sends, and nothing is left over`, async () => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      await all(PAIRS, async (pair) => {
        const customerId = `pair-${round}-${pair}`;
        const first = await connected(await authorized(customerId, FIRST, own()));
        const second = await authorized(customerId, SECOND, own());
        const [unlinked, linked] = await Promise.all([
          flow.api.call('DELETE', customer(customerId, `connections/${first.connectionId}`)),
          connected(second),
        ]);
        expect(unlinked.status).toBe(200);
        await sends(customerId, linked.connectionId);
        await until('the unlink to end', async () => {
          const rows = flow.table('connections').listEntities({
            queryOptions: { filter: `PartitionKey eq '${customerId}' and RowKey eq '${first.connectionId}'` },
          });
          return (await rows.next()).done === true;
        });
        await expectNoStrays(customerId);
        await flow.api.expect(200, 'DELETE', customer(customerId, `connections/${linked.connectionId}`));
        await expectNoStrays(customerId);
        expect(await flow.api.expect(200, 'GET', customer(customerId, 'applications'))).toEqual({ items: [] });
      });
    }
  }, 240_000);
});

describe.each([
  ['RoboMQ’s application', () => ({})],
  ['the customer’s application', own],
])('a new mailbox is linked several times at once through %s', (name, changes) => {
  it.each([3, 5, 8])(
    '%d confirms: one connection, and it sends',
    async (count) => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const customerId = `many-${name.length}-${count}-${round}`;
        const links = await all(count, () => authorized(customerId, FIRST, changes()));
        const connections = await Promise.all(links.map(connected));
        const ids = new Set(connections.map(({ connectionId }) => connectionId));
        expect(ids.size).toBe(1);
        for (const { linkId } of links) {
          const state = await flow.api.expect(200, 'GET', `/auth/link/Outlook/${linkId}?customerId=${customerId}`);
          expect(state).toEqual({ linkId, state: 'connected', connectionId: [...ids][0] });
        }
        await sends(customerId, [...ids][0] ?? '');
        await expectNoStrays(customerId);
      }
    },
    120_000,
  );
});
