import { describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../../shared/clock.ts';
import type { Connection } from '../../../shared/connections/connection.ts';
import { rotateSecret } from '../../../shared/connections/rotate-secret.ts';
import { unlinkByRequest, unlinkConnection } from '../../../shared/connections/unlink.ts';
import { AppError } from '../../../shared/errors.ts';
import { confirmLink } from '../../../shared/linking/confirm-link.ts';
import { LANE_ROW } from '../../../shared/mail/lane.ts';
import { getMail } from '../../../shared/mail/read-mails.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { FakeHost } from '../../fakes/host.ts';
import { killedAt } from '../linking/crash.ts';
import { codeOf, customerOwned, passHours } from '../linking/support.ts';
import { current, eventsOf, gateOf, SECOND_OBJECT, token, wait } from './support.ts';

const unlink = (fake: FakeApp, { customerId, connectionId }: Connection) =>
  unlinkConnection(fake.app.connections, customerId, connectionId, fake.invocation());

const stateOf = async (fake: FakeApp, { connectionId }: Connection, mailId: string) =>
  (await getMail(fake.app.mail, connectionId, mailId)).state;

/** The waiting row of a mail is claimed by a holder of the lane. */
async function claim(fake: FakeApp, { connectionId }: Connection, mailId: string): Promise<string> {
  const row = fake.mails
    .all()
    .find(({ rowKey, properties }) => rowKey.startsWith('2|') && properties['mailId'] === mailId);
  if (!row) throw new Error('it does not wait');
  await fake.mails.write(connectionId, [
    { kind: 'merge', rowKey: LANE_ROW, properties: { owner: 'holder', epoch: 1 } },
    { kind: 'merge', rowKey: row.rowKey, properties: { claimedBy: 1, attempts: 1 } },
  ]);
  return row.rowKey;
}

describe('unlinking', () => {
  test('shuts the gate, marks the row, cancels what waits, deletes the secrets and then the rows', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link(customerOwned());
    await wait(fake, connection, 'm1');
    const order: string[] = [];
    fake.mails.before = ({ operations }) => {
      for (const operation of operations ?? []) {
        const properties = operation.kind === 'delete' ? {} : operation.properties;
        if (properties['gate']) order.push(`gate ${properties['gate']}`);
        if (properties['state']) order.push(`mail ${properties['state']}`);
      }
    };
    fake.connections.before = ({ operations }) => {
      for (const operation of operations ?? [])
        order.push(operation.kind === 'merge' ? `row ${operation.properties['status']}` : `row ${operation.kind}`);
    };
    fake.secrets.before = (call, name) => {
      order.push(`${call} ${name.replace(/-[0-9a-f]{32}$/, '')}`);
    };
    const answer = await unlink(fake, connection);
    expect(order).toEqual([
      'gate removed',
      'row removing',
      'mail cancelled',
      'remove refresh-token',
      'remove client-secret',
      'row delete',
      'row delete',
      // What leads to the records until their month is over.
      'row insert',
    ]);
    expect(answer).toEqual({
      connectionId: connection.connectionId,
      state: 'removed',
      secretsRecoverableUntil: '2027-02-21T00:00:00.000Z',
      withdrawConsentAt: 'https://myapps.microsoft.com',
    });
    expect(eventsOf(fake)).toContain('connection.removed');
  });

  test('cancels waiting mail with a reason; what ended before keeps its end', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await wait(fake, connection, 'm1');
    await wait(fake, connection, 'm2');
    const row = fake.mails
      .all()
      .find(({ rowKey, properties }) => rowKey.startsWith('2|') && properties['mailId'] === 'm2');
    const hash = row?.rowKey.split('|')[2];
    await fake.mails.write(connection.connectionId, [
      { kind: 'merge', rowKey: row?.rowKey ?? '', properties: { parked: true } },
      { kind: 'merge', rowKey: `1|${hash}`, properties: { state: 'rejected', reason: 'ErrorX' } },
    ]);
    await unlink(fake, connection);
    expect(await getMail(fake.app.mail, connection.connectionId, 'm1')).toMatchObject({
      state: 'cancelled',
      reason: 'connection_removed',
    });
    expect(await getMail(fake.app.mail, connection.connectionId, 'm2')).toMatchObject({ state: 'rejected' });
    expect(fake.mails.all().filter(({ rowKey }) => rowKey.startsWith('2|'))).toEqual([]);
  });

  test('deletes the retired secret too', async () => {
    const fake = new FakeApp();
    await fake.link();
    const { connection } = await fake.link();
    expect(fake.secrets.kept.size).toBe(2);
    await unlink(fake, connection);
    expect(fake.secrets.kept.size).toBe(0);
  });

  test('twice is not found the second time', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await unlink(fake, connection);
    expect(await codeOf(unlink(fake, connection))).toBe('not_found');
  });

  test('by another customer is not found', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    expect(await codeOf(unlink(fake, { ...connection, customerId: 'other' }))).toBe('not_found');
    expect((await current(fake, connection)).status).toBe('connected');
  });

  test('frees the mailbox: linking it again makes another connection', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await unlink(fake, connection);
    expect((await fake.link()).connection.connectionId).not.toBe(connection.connectionId);
  });

  test('tells people with a personal account where Microsoft keeps their consent', async () => {
    const fake = new FakeApp({ SERVICE_PROVIDER_AUDIENCE: 'common' });
    fake.identity.claims = { tid: '9188040d-6c67-4c5b-b112-36a304b66dad' };
    const { connection } = await fake.link();
    expect((await unlink(fake, connection)).withdrawConsentAt).toBe('https://account.live.com/consent/Manage');
  });
});

describe('a customer’s application', () => {
  async function two() {
    const fake = new FakeApp();
    const first = (await fake.link(customerOwned())).connection;
    fake.identity.claims = { oid: SECOND_OBJECT };
    const second = (await fake.link(customerOwned())).connection;
    return { fake, first, second };
  }

  test('is removed with its last connection, and not before', async () => {
    const { fake, first, second } = await two();
    await unlink(fake, first);
    expect(fake.applications.all()).toHaveLength(1);
    expect((await fake.app.mail.tokens.get(second, fake.invocation().log)).kind).toBe('token');
    await unlink(fake, second);
    expect(fake.applications.all()).toEqual([]);
    expect(fake.secrets.kept.size).toBe(0);
  });

  test('is not kept by a connection that is being removed as well', async () => {
    const { fake, first, second } = await two();
    await wait(fake, first, 'm1');
    await claim(fake, first, 'm1');
    expect((await unlink(fake, first)).state).toBe('removing');
    await unlink(fake, second);
    await passHours(fake, 1);
    expect(fake.connectionRows()).toEqual([]);
    expect(fake.applications.all()).toEqual([]);
  });

  test('that got a new secret meanwhile takes that one along, too', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link(customerOwned());
    fake.applications.before = async ({ operations }) => {
      if (operations?.[0]?.kind !== 'merge') return;
      fake.applications.before = () => {};
      const request = { clientSecret: 'Acme~client.secret-0002' };
      await rotateSecret(fake.app.connections, 'acme', CUSTOMER_CLIENT_ID, request, fake.invocation());
    };
    await unlink(fake, connection);
    expect(fake.applications.all()).toEqual([]);
    expect([...fake.secrets.kept.keys()]).toEqual([]);
  });
});

describe('a mail that is being sent', () => {
  test('keeps the connection `removing`; its rows are its holder’s', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await wait(fake, connection, 'm1');
    await wait(fake, connection, 'm2');
    await claim(fake, connection, 'm1');
    const answer = await unlink(fake, connection);
    expect(answer).toEqual({
      connectionId: connection.connectionId,
      state: 'removing',
      withdrawConsentAt: 'https://myapps.microsoft.com',
    });
    expect(await stateOf(fake, connection, 'm1')).toBe('held');
    expect(await stateOf(fake, connection, 'm2')).toBe('cancelled');
    expect(await gateOf(fake, connection)).toBe('removed');
    expect(fake.secrets.kept.size).toBe(1);
  });

  test('whose holder died is uncertain; the check finishes the unlink', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await wait(fake, connection, 'm1');
    await claim(fake, connection, 'm1');
    await unlink(fake, connection);
    await passHours(fake, 1);
    expect(await getMail(fake.app.mail, connection.connectionId, 'm1')).toMatchObject({
      state: 'uncertain',
      reason: 'stale_claim',
    });
    expect(fake.connectionRows()).toEqual([]);
    expect(fake.secrets.kept.size).toBe(0);
    expect(eventsOf(fake)).toContain('mail.uncertain');
  });

  test('whose holder writes this very moment is looked at again, and never lost', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await wait(fake, connection, 'm1');
    const rowKey = await claim(fake, connection, 'm1');
    await unlink(fake, connection);
    fake.mails.before = async ({ operations }) => {
      if (!operations?.some((operation) => operation.rowKey === rowKey)) return;
      fake.mails.before = () => {};
      // Graph throttled it: the mail waits as before.
      await fake.mails.write(connection.connectionId, [{ kind: 'merge', rowKey, properties: { claimedBy: 0 } }]);
    };
    await passHours(fake, 1);
    expect((await current(fake, connection)).status).toBe('removing');
    await passHours(fake, 1);
    expect(await stateOf(fake, connection, 'm1')).toBe('cancelled');
    expect(fake.connectionRows()).toEqual([]);
  });

  test('that is touched while it is cancelled is looked at again', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await wait(fake, connection, 'm1');
    fake.mails.before = async ({ operations }) => {
      const own = operations?.find(({ rowKey }) => rowKey.startsWith('2|'));
      if (!own) return;
      fake.mails.before = () => {};
      await fake.mails.write(connection.connectionId, [{ kind: 'merge', rowKey: own.rowKey, properties: { x: 1 } }]);
    };
    expect((await unlink(fake, connection)).state).toBe('removing');
    expect((await unlink(fake, connection)).state).toBe('removed');
    expect(await stateOf(fake, connection, 'm1')).toBe('cancelled');
  });
});

test('a vault that is away keeps the connection `removing`, and the check finishes it', async () => {
  const fake = new FakeApp();
  const { connection } = await fake.link(customerOwned());
  fake.secrets.before = () => {
    throw new StoreUnavailable('key vault');
  };
  await expect(unlink(fake, connection)).rejects.toThrow(StoreUnavailable);
  expect((await current(fake, connection)).status).toBe('removing');
  fake.secrets.before = () => {};
  await passHours(fake, 1);
  expect(fake.connectionRows()).toEqual([]);
  expect(fake.secrets.kept.size).toBe(0);
});

describe('an unlink that was killed', () => {
  /** Confirms as Hire2Retire does: again after the time it is told, and with a new link when it is told that. */
  async function confirmed(fake: FakeApp, host: FakeHost): Promise<Connection> {
    let { linkId, confirmation } = await fake.authorize();
    for (let tries = 0; tries < 5; tries += 1) {
      try {
        const proof = { customerId: 'acme', startedBy: 'ada', confirmation };
        return (await confirmLink(fake.app.linking, linkId, proof, fake.invocation())).connection;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        expect(['link_in_progress', 'connection_unlinked']).toContain(error.code);
        await host.pass(2 * MINUTE);
        if (error.code === 'connection_unlinked') ({ linkId, confirmation } = await fake.authorize());
      }
    }
    throw new Error('still in progress');
  }

  test('never takes along a link that was made after it, wherever it was killed', async () => {
    for (const when of ['before', 'after'] as const) {
      let finished = false;
      for (let n = 1; !finished; n += 1) {
        const fake = new FakeApp();
        const { connection } = await fake.link();
        const { customerId, connectionId } = connection;
        const host = new FakeHost(fake);
        finished = await killedAt(fake, n, when, () =>
          unlinkByRequest(fake.app.connections, customerId, connectionId, fake.invocation()),
        );
        fake.clock.advance(MINUTE);
        const linked = await confirmed(fake, host);
        await host.pass(30 * HOUR);
        expect(await current(fake, linked), `${when} ${n}`).toMatchObject({ status: 'connected' });
        expect(await gateOf(fake, linked), `${when} ${n}`).toBe('open');
        expect((await token(fake, await current(fake, linked))).kind, `${when} ${n}`).toBe('token');
      }
    }
  });

  test('is finished within minutes: no day goes by with a connection that looks alive', async () => {
    for (const when of ['before', 'after'] as const) {
      let finished = false;
      for (let n = 2; !finished; n += 1) {
        const fake = new FakeApp();
        const { connection } = await fake.link();
        const { customerId, connectionId } = connection;
        finished = await killedAt(fake, n, when, () =>
          unlinkByRequest(fake.app.connections, customerId, connectionId, fake.invocation()),
        );
        const begun = (await gateOf(fake, connection)) === 'removed';
        await new FakeHost(fake).pass(10 * MINUTE);
        if (begun)
          expect(await fake.app.linking.connections.get(customerId, connectionId), `${when} ${n}`).toBeUndefined();
      }
    }
  });

  test('still says until when the vault can recover the secrets, when it is asked again', async () => {
    let finished = false;
    for (let n = 1; !finished; n += 1) {
      const fake = new FakeApp();
      const { connection } = await fake.link();
      const { customerId, connectionId } = connection;
      const again = () => unlinkByRequest(fake.app.connections, customerId, connectionId, fake.invocation());
      finished = await killedAt(fake, n, 'after', again);
      if ((await fake.app.linking.connections.get(customerId, connectionId)) === undefined) break;
      expect(await again(), `${n}`).toMatchObject({ state: 'removed', secretsRecoverableUntil: expect.any(String) });
    }
  });
});
