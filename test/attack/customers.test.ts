import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../functions/register.ts';
import { FakeApp } from '../fakes/app.ts';
import type { Answer, Connection, List, Mail } from '../flow/support/api.ts';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { comeBack, proof, startLink } from '../flow/support/link.ts';
import { enqueue, mail, message, rejected } from '../flow/support/messages.ts';
import { QUICK } from '../flow/support/quick.ts';
import { until } from '../flow/support/until.ts';
import { authorize, confirmPath, linkFor, stateOf } from './support/victim.ts';

const SECRET_KINDS = new Set(['refresh-token', 'client-secret']);
const NOWHERE = { connectionId: `con_${'0'.repeat(32)}`, linkId: `lnk_${'0'.repeat(32)}`, mailId: 'no-such-mail' };

let flow: Flow;
/** What belongs to acme, and what it looked like before globex tried. */
let acme: { connection: Connection; owned: Connection; mail: Mail; linkId: string; back: URLSearchParams };
let globex: Connection;

beforeAll(async () => {
  flow = await startFlow({ environment: { ...QUICK }, extraMailboxes: 3 });
  const { clientId, clientSecret, tenant } = flow.sandbox.info.customerOwned;
  const application = { kind: 'customerOwned', clientId, clientSecret, tenant };
  const connection = await linkFor(flow, 'acme', 'hr@acme.example', { displayName: 'Acme HR mailbox' });
  const owned = await linkFor(flow, 'acme', 'payroll@acme.example', { application });
  globex = await linkFor(flow, 'globex', 'hr@globex.example');
  await flow.mails.submit(connection.connectionId, mail({ mailId: 'payslip-1' }));
  const sent = await flow.mails.reaches(connection.connectionId, 'payslip-1', 'accepted');
  const { linkId, back } = await authorize(flow, 'sender-1@acme.example');
  acme = { connection, owned, mail: sent, linkId, back };
});
afterAll(() => flow?.close());

/** Bodies that each route would take. A new route that takes one needs a row here: the walk below says so. */
const BODIES: Readonly<Record<string, () => unknown>> = {
  'POST auth/link/Outlook': () => ({
    customerId: 'globex',
    startedBy: 'session-of-mallory',
    returnTo: 'settings',
    connectionId: acme.connection.connectionId,
    application: { kind: 'serviceProvider' },
  }),
  'POST auth/link/Outlook/{linkId}/confirm': () => ({
    customerId: 'globex',
    startedBy: 'session-of-mallory',
    confirmation: `${acme.linkId}.${'A'.repeat(43)}`,
  }),
  'PATCH customers/{customerId}/connections/{connectionId}': () => ({ displayName: 'Taken over' }),
  'POST customers/{customerId}/connections/{connectionId}/pause': () => ({}),
  'POST customers/{customerId}/connections/{connectionId}/resume': () => ({}),
  'POST customers/{customerId}/connections/{connectionId}/test': () => ({ to: 'mallory@globex.example' }),
  'POST customers/{customerId}/connections/{connectionId}/mails': () => mail({ mailId: 'forged' }),
  'POST customers/{customerId}/connections/{connectionId}/mails/{mailId}/retry': () => ({ attempt: 1 }),
  'POST customers/{customerId}/connections/{connectionId}/mails/{mailId}/resolve': () => ({ attempt: 1, as: 'sent' }),
  'POST customers/{customerId}/connections/{connectionId}/mails/retry': () => ({
    items: [{ mailId: 'payslip-1', attempt: 1 }],
  }),
  'POST customers/{customerId}/connections/{connectionId}/mails/resolve': () => ({
    items: [{ mailId: 'payslip-1', attempt: 1, as: 'sent' }],
  }),
  'PUT customers/{customerId}/applications/{clientId}/secret': () => ({ clientSecret: 'mallory~secret~of~nobody' }),
  'POST customers/{customerId}/leavers/check': () => ({
    accounts: [{ signInName: 'hr@acme.example' }, acme.connection.mailbox],
  }),
  'POST auth/check/Outlook': () => ({ clientId: acme.owned.application.clientId, clientSecret: 'mallory~secret' }),
};

interface Ids {
  readonly connectionId: string;
  readonly linkId: string;
  readonly mailId: string;
}

/** Every route of the real table that needs a key, as globex would call it with somebody's ids. */
function routes() {
  return endpoints(new FakeApp().app)
    .filter(({ auth }) => auth === 'function')
    .map(({ method, route }) => ({ method, route, key: `${method} ${route}` }));
}

async function call(method: string, route: string, ids: Ids, customerId = 'globex'): Promise<Answer> {
  const path = route
    .replace('{customerId}', customerId)
    .replace('{connectionId}', ids.connectionId)
    .replace('{linkId}', ids.linkId)
    .replace('{mailId}', ids.mailId)
    .replace('{clientId}', acme.owned.application.clientId);
  const query = route === 'auth/link/Outlook/{linkId}' ? `?customerId=${customerId}` : '';
  const body = BODIES[`${method} ${route}`]?.();
  return flow.api.call(method, `/${path}${query}`, body === undefined ? {} : { body });
}

/** What nobody but acme may ever see. */
function marksOfAcme(): string[] {
  const { connection, owned } = acme;
  const objects = [connection, owned].map(({ mailbox }) => mailbox.objectId);
  return [...objects, 'hr@acme.example', 'payroll@acme.example', 'Acme HR mailbox', 'payslip-1'];
}

/** Everything of acme's that an attack might have changed. Times of checks and counters of the lane are left out. */
async function inventory() {
  const { items } = await flow.api.expect<List<Connection>>(200, 'GET', '/customers/acme/connections');
  const { connectionId } = acme.connection;
  const mails = await flow.api.expect<List<Mail>>(200, 'GET', `/customers/acme/connections/${connectionId}/mails`);
  const secrets = flow.sandbox.keyVault.snapshot().filter(({ tags }) => SECRET_KINDS.has(tags['kind'] ?? ''));
  return {
    connections: items.map(({ connectionId: id, displayName, status, mailbox, application }) => ({
      id,
      displayName,
      status,
      mailbox,
      application,
    })),
    mails: mails.items,
    secrets: secrets
      .filter(({ tags }) => tags['customer'] === 'acme')
      .map(({ name, value, deleted }) => ({ name, value, deleted })),
    link: await stateOf(flow, acme.linkId),
  };
}

const ids = (): Ids => ({
  connectionId: acme.connection.connectionId,
  linkId: acme.linkId,
  mailId: 'payslip-1',
});
const isForeign = (route: string) => /\{(connectionId|linkId|clientId)\}/.test(route);

describe('a customer uses the ids of another one', () => {
  it('every route that changes something is tried: a new one needs a body in this file', () => {
    const missing = routes().filter(({ method, key }) => !['GET', 'DELETE'].includes(method) && !(key in BODIES));
    expect(missing.map(({ key }) => key)).toEqual([]);
  });

  it('on every route of the table: 404, nothing of the other is shown, and nothing of theirs changes', async () => {
    const before = await inventory();
    const walked: string[] = [];
    for (const { method, route, key } of routes()) {
      // A customer may remove itself; that is no attack, and would end this test's own.
      if (method === 'DELETE' && route === 'customers/{customerId}') continue;
      const answered = await call(method, route, ids());
      if (isForeign(route) || route === 'auth/link/Outlook') expect([key, answered.status]).toEqual([key, 404]);
      expect(answered.status, key).toBeLessThan(500);
      for (const mark of marksOfAcme()) expect(answered.text, `${key} shows ${mark}`).not.toContain(mark);
      walked.push(key);
    }
    expect(walked.length).toBeGreaterThanOrEqual(17);
    expect(await inventory()).toEqual(before);
    expect(await flow.mails.copies('forged')).toEqual([]);
  });

  it('and learns nothing from it: an id of somebody else is answered as one that was never there', async () => {
    for (const { method, route, key } of routes().filter(({ route }) => isForeign(route))) {
      if (route.includes('{clientId}')) continue;
      const [foreign, unknown] = [await measured(method, route, ids()), await measured(method, route, NOWHERE)];
      expect([key, foreign.answer]).toEqual([key, unknown.answer]);
      // The same requests to storage, so there is no difference in time that means anything.
      expect([key, foreign.requests]).toEqual([key, unknown.requests]);
    }
  });

  it('to re-link: the connection of another customer is none', async () => {
    const start = (connectionId: string) =>
      flow.api.call('POST', '/auth/link/Outlook', {
        body: {
          customerId: 'globex',
          startedBy: 'session-of-mallory',
          returnTo: 'settings',
          connectionId,
          application: { kind: 'serviceProvider' },
        },
      });
    const [foreign, unknown] = [await start(acme.connection.connectionId), await start(NOWHERE.connectionId)];
    expect(comparable(foreign)).toEqual(comparable(unknown));
    expect(foreign.status).toBe(404);
  });

  it('to send, through the queue: kept as rejected, no record, nothing sent', async () => {
    const messageId = await enqueue(
      flow,
      message(acme.connection.connectionId, { customerId: 'globex', mailId: 'forged-2' }),
    );
    const kept = await until('the message to be kept as rejected', () => rejected(flow, messageId));
    expect(kept.reason).toBe('connection_unknown');
    expect(await flow.mails.copies('forged-2')).toEqual([]);
    const path = `/customers/acme/connections/${acme.connection.connectionId}/mails/forged-2`;
    await flow.api.expect(404, 'GET', path);
  });

  it('to send, with a blob of another customer’s: refused at intake', async () => {
    for (const contentBlob of [
      `acme/${acme.connection.connectionId}/payslip.json`,
      `globex/${globex.connectionId}/../../acme/${acme.connection.connectionId}/payslip.json`,
      `globex/${globex.connectionId}//acme`,
      `https://attacker.example/globex/${globex.connectionId}/a.json`,
      `//attacker.example/a.json`,
      `globex%2F${globex.connectionId}%2Fa.json`,
    ]) {
      const body = { ...mail({ contentBlob }), body: undefined };
      const path = `/customers/globex/connections/${globex.connectionId}/mails`;
      const answered = await flow.api.call('POST', path, { body });
      expect([contentBlob, answered.status]).toEqual([contentBlob, 400]);
      expect(answered.text).not.toContain('attacker.example');
    }
  });

  it('to confirm: the confirmation of another customer’s link destroys it and gives nothing', async () => {
    const { linkId, back } = await authorize(flow, 'sender-2@acme.example');
    const body = proof(back, { customerId: 'globex' });
    const problem = await flow.api.expect(409, 'POST', confirmPath(linkId), { body });
    expect(problem.code).toBe('link_wrong_session');
    expect((await flow.api.expect<List<Connection>>(200, 'GET', '/customers/globex/connections')).items).toHaveLength(
      1,
    );
  });
});

describe('ids that look alike', () => {
  it.each([
    ['in capitals', 'ACME'],
    ['with a letter of another alphabet', 'аcme'],
    ['with a full-width letter', 'ａcme'],
    ['with a zero byte', 'acme%00'],
    ['with a line break', 'acme%0A'],
    ['with a slash', 'acme%2F..%2Facme'],
    ['with dots', 'globex%2F..%2Facme'],
    ['encoded twice', '%2561cme'],
    ['with an apostrophe', "acme'%20or%20PartitionKey%20ne%20'"],
    ['as a prefix', 'acm'],
    ['as __proto__', '__proto__'],
    ['as constructor', 'constructor'],
    ['as a wildcard', '*'],
    ['with a space', 'acme%20'],
    ['of links’ own rows', 'c%7Cacme'],
  ])('%s: nothing of the other customer', async (_, customerId) => {
    for (const path of [
      `/customers/${customerId}/connections`,
      `/customers/${customerId}/connections/${acme.connection.connectionId}`,
    ]) {
      const answered = await flow.api.call('GET', path);
      expect(answered.status).toBeLessThan(500);
      for (const mark of marksOfAcme()) expect(answered.text).not.toContain(mark);
      if (answered.status === 200) expect(JSON.parse(answered.text)).toEqual({ items: [] });
    }
  });

  it('the rows behind the list are not served as connections', async () => {
    const { tenantId, objectId } = acme.connection.mailbox;
    const { clientId } = acme.connection.application;
    for (const id of [
      `m|${clientId}|${tenantId}|${objectId}`,
      '_',
      'stop',
      '__proto__',
      'con_',
      `${acme.connection.connectionId}x`,
    ])
      await flow.api.expect(404, 'GET', `/customers/acme/connections/${encodeURIComponent(id)}`);
  });
});

describe('the next page of a list', () => {
  const token = (partition: string, row?: string) =>
    Buffer.from(JSON.stringify({ nextPartitionKey: partition, ...(row && { nextRowKey: row }) })).toString('base64');

  it('made up, to start in the rows of another customer: pages into nobody else’s connections', async () => {
    const { connectionId } = acme.connection;
    for (const after of [
      token('acme'),
      token('acme', connectionId),
      token('acme', ' '),
      token('a'),
      token(' '),
      token(''),
    ]) {
      const answered = await flow.api.call('GET', `/customers/globex/connections?after=${encodeURIComponent(after)}`);
      expect(answered.status).toBeLessThan(500);
      for (const mark of marksOfAcme()) expect(answered.text).not.toContain(mark);
      if (answered.status !== 200) continue;
      const { items } = JSON.parse(answered.text) as List<Connection>;
      expect(items.every(({ customerId }) => customerId === 'globex')).toBe(true);
    }
  });

  it('made up, to start in the mail of another connection: pages into nobody else’s mail', async () => {
    const { connectionId } = acme.connection;
    for (const after of [
      token(connectionId),
      token(connectionId, '1|'),
      token(connectionId, '0'),
      token('con_', '1|'),
    ]) {
      const path = `/customers/globex/connections/${globex.connectionId}/mails?after=${encodeURIComponent(after)}`;
      const answered = await flow.api.call('GET', path);
      expect(answered.status).toBeLessThan(500);
      for (const mark of marksOfAcme()) expect(answered.text).not.toContain(mark);
    }
  });

  it('handed out to one customer and used by another: the same', async () => {
    const first = await flow.api.expect<List<Connection>>(200, 'GET', '/customers/acme/connections?limit=1');
    expect(first.next).toBeDefined();
    const after = encodeURIComponent(first.next ?? '');
    const answered = await flow.api.call('GET', `/customers/globex/connections?after=${after}`);
    expect(answered.status).toBeLessThan(500);
    for (const mark of marksOfAcme()) expect(answered.text).not.toContain(mark);
  });

  it('within the own rows: the list goes on, and never shows rows that are no connections', async () => {
    for (const row of ['', ' ', 'm|', 'con_', '~']) {
      const path = `/customers/acme/connections?after=${encodeURIComponent(token('acme', row))}`;
      const { items } = await flow.api.expect<List<Connection>>(200, 'GET', path);
      for (const { connectionId, status } of items)
        expect([connectionId, status]).toEqual([expect.stringMatching(/^con_[0-9a-f]{32}$/), 'connected']);
    }
    const mails = `/customers/acme/connections/${acme.connection.connectionId}/mails`;
    for (const row of ['0', '2|', '3|', ' ']) {
      const path = `${mails}?after=${encodeURIComponent(token(acme.connection.connectionId, row))}`;
      const { items } = await flow.api.expect<List<Mail>>(200, 'GET', path);
      for (const { mailId, state } of items) expect([mailId, state]).toEqual(['payslip-1', 'accepted']);
    }
  });

  it.each([
    ['no JSON', Buffer.from('{').toString('base64')],
    ['no object', Buffer.from('7').toString('base64')],
    ['null', Buffer.from('null').toString('base64')],
    ['other fields', Buffer.from('{"nextTableName":"links"}').toString('base64')],
    ['numbers', Buffer.from('{"nextPartitionKey":1,"nextRowKey":2}').toString('base64')],
    ['text', 'acme'],
  ])('that is %s: told at the parameter', async (_, after) => {
    const path = `/customers/globex/connections?after=${encodeURIComponent(after)}`;
    const problem = await flow.api.expect(400, 'GET', path);
    expect(problem.errors).toMatchObject([{ pointer: '?after' }]);
  });
});

describe('a row edited by somebody who may write the tables', () => {
  const nameOf = async (table: string, partition: string, row: string) =>
    String((await flow.table(table).getEntity(partition, row))['secretName']);
  const point = (table: string, partitionKey: string, rowKey: string, changes: object) =>
    flow.table(table).updateEntity({ partitionKey, rowKey, ...changes }, 'Merge');

  it('a connection that points at the refresh token of another: nothing is sent as the other', async () => {
    const stolen = await nameOf('connections', 'acme', acme.owned.connectionId);
    const victim = await linkFor(flow, 'globex', 'sender-3@acme.example');
    await point('connections', 'globex', victim.connectionId, { secretName: stolen });
    // The ticket of the fresh link may have fetched a token already: a new instance has none in memory.
    await flow.control('host/renew', {});
    const path = `/customers/globex/connections/${victim.connectionId}`;
    await flow.api.expect(202, 'POST', `${path}/mails`, { body: mail({ mailId: 'impersonated' }) });
    const shown = await until('the connection to need a new link', async () => {
      const current = await flow.api.expect<Connection>(200, 'GET', path);
      return current.status === 'connected' ? undefined : current;
    });
    expect(shown).toMatchObject({ status: 'needs_relink', reason: 'secret_missing' });
    expect(await flow.mails.copies('impersonated')).toEqual([]);
  });

  it('a link that points at the client secret of another: it is not sent anywhere', async () => {
    const stolen = await nameOf('applications', 'acme', acme.owned.application.clientId);
    const { clientId, clientSecret, tenant } = flow.sandbox.info.customerOwnedSingleTenant;
    const application = { kind: 'customerOwned', clientId, clientSecret, tenant };
    const started = await startLink(flow, { customerId: 'globex', application });
    await point('links', started.linkId, 'link', { clientSecretName: stolen });
    const browser = flow.browser();
    const back = await comeBack(browser, started.linkUrl, 'sender-3@acme.example');
    const before = (await flow.requests('identity')).length;
    const body = proof(back, { customerId: 'globex' });
    const problem = await flow.api.expect(409, 'POST', confirmPath(started.linkId), { body });
    expect(problem.code).toBe('interrupted');
    expect((await flow.requests('identity')).length).toBe(before);
    // Acme's application still has its secret: what is named by a foreign row is not deleted either.
    const [kept] = flow.sandbox.keyVault.snapshot().filter(({ name }) => name === stolen);
    expect(kept).toMatchObject({ deleted: false });
  });
});

interface Measured {
  readonly answer: object;
  readonly requests: object;
}

async function measured(method: string, route: string, what: Ids): Promise<Measured> {
  flow.sandbox.storage.clearCounts();
  const answered = await call(method, route, what);
  const { table, blob } = flow.sandbox.storage.counts();
  return { answer: comparable(answered), requests: { table: sumOf(table), blob: sumOf(blob) } };
}

/** An answer without what differs by nature. */
function comparable({ status, text, headers }: Answer): object {
  const { correlationId: _, ...problem } = JSON.parse(text || '{}') as Record<string, unknown>;
  const names = [...headers.keys()].filter((name) => name !== 'date' && name !== 'content-length').sort();
  return { status, problem, names };
}

function sumOf(counts: Readonly<Record<string, number>> | undefined): number {
  return Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0);
}
