import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../shared/clock.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { getRemoval, removeCustomer } from '../../../shared/customers/remove-customer.ts';
import { openLink } from '../../../shared/linking/open-link.ts';
import { submitMail } from '../../../shared/mail/submit-mail.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { CONTAINERS, QUEUES } from '../../../shared/storage-names.ts';
import { FakeApp } from '../../fakes/app.ts';
import { FakeHost } from '../../fakes/host.ts';
import { eventsOf, SECOND_OBJECT, wait } from '../connections/support.ts';
import { killedAt, type When } from '../linking/crash.ts';
import { codeOf, confirm, customerOwned } from '../linking/support.ts';

const OTHER = { customerId: 'acme-2', startedBy: 'eve' };

/** A customer with one of everything, beside another whose name begins the same. */
async function populated(): Promise<FakeApp> {
  const fake = new FakeApp();
  await fake.link({ ...OTHER });
  await fake.link();
  fake.clock.advance(1000);
  const own = (await fake.link(customerOwned())).connection;
  fake.identity.claims = { oid: SECOND_OBJECT, preferred_username: 'payroll@acme.example' };
  const relinked = (await fake.link(customerOwned())).connection;
  fake.clock.advance(1000);
  await fake.link(customerOwned('Acme~client.secret-0002'));
  fake.identity.claims = {};
  await wait(fake, own, 'waits');
  await wait(fake, relinked, 'waits-too');
  const large = {
    to: [{ address: 'ada@example.com' }],
    subject: 'x',
    body: { contentType: 'text' as const, content: 'x'.repeat(70_000) },
  };
  await submitMail(fake.app.mail, own, { mailId: 'large', ...large }, fake.invocation());
  await fake.blobs.put(CONTAINERS.drop, `acme/${own.connectionId}/left.json`, Buffer.from('{}'));
  await fake.blobs.put(CONTAINERS.drop, `acme-2/x/kept.json`, Buffer.from('{}'));
  // Links in every state that lasts: started, opened, authorized, and one that ended and is not cleaned up.
  await fake.start(customerOwned());
  const opened = new URL((await fake.start(customerOwned())).linkUrl).searchParams.get('ticket') ?? '';
  await openLink(fake.app.linking, opened, () => undefined, fake.invocation());
  await fake.authorize(customerOwned());
  fake.queues.sent.splice(0);
  return fake;
}

/** Every row, secret and blob of the customer that is left, but for the row that answers. */
function left(fake: FakeApp): string[] {
  const rows = [fake.connections, fake.applications, fake.mails, fake.links].flatMap((table) =>
    table
      .all()
      .filter(
        ({ partitionKey, properties }) =>
          partitionKey === 'acme' || partitionKey === 'c|acme' || properties['customerId'] === 'acme',
      ),
  );
  const lanes = fake.mails.all().filter((row) => !isOthers(fake, row.partitionKey));
  const secrets = [...fake.secrets.kept].filter(([, { tags }]) => tags.customer === 'acme').map(([name]) => name);
  const blobs = [...fake.blobs.kept.keys()].filter((name) => name.split('/')[1] === 'acme');
  return [
    ...rows.map(({ partitionKey, rowKey }) => `${partitionKey} ${rowKey}`),
    ...lanes.map(({ partitionKey, rowKey }) => `${partitionKey} ${rowKey}`),
    ...secrets,
    ...blobs,
  ].filter((each) => each !== 'acme removal');
}

function isOthers(fake: FakeApp, connectionId: string): boolean {
  return fake.connections
    .all()
    .some(({ partitionKey, rowKey }) => partitionKey === 'acme-2' && rowKey === connectionId);
}

const remove = (fake: FakeApp) => removeCustomer(fake.app.checks, 'acme', fake.invocation());
const state = (fake: FakeApp) => getRemoval(fake.app.checks, 'acme');

describe('the removal of a customer', () => {
  test('leaves nothing of it, and everything of another whose name begins the same', async () => {
    const fake = await populated();
    expect(await remove(fake)).toEqual({ state: 'removing', connectionsLeft: 3 });
    await new FakeHost(fake).pass(HOUR);
    expect(await state(fake)).toMatchObject({ state: 'removed', connectionsLeft: 0 });
    expect((await state(fake)).secretsRecoverableUntil).toMatch(/^2027-02-21/);
    expect(left(fake)).toEqual([]);
    expect(eventsOf(fake).filter((type) => type === 'connection.removed')).toHaveLength(3);
    expect((await fake.app.linking.connections.list('acme-2', 10)).connections).toHaveLength(1);
    expect([...fake.secrets.kept.values()].map(({ tags }) => tags.customer)).toEqual(['acme-2']);
    expect([...fake.blobs.kept.keys()]).toEqual([`${CONTAINERS.drop}/acme-2/x/kept.json`]);
  });

  test('goes on and comes to the same end wherever a process dies, in the request or in a sweep', async () => {
    let finished = false;
    const deaths: number[] = [];
    const walk = async (n: number, when: When, sweepsBefore: number) => {
      const fake = await populated();
      const host = new FakeHost(fake);
      if (sweepsBefore < 0) finished = await killedAt(fake, n, when, () => remove(fake));
      else {
        await remove(fake);
        let sweeps = 0;
        host.execute = async (action, what) => {
          if (what !== 'check') return action();
          sweeps += 1;
          if (sweeps !== sweepsBefore + 1) return action();
          finished = await killedAt(fake, n, when, action);
          deaths[sweepsBefore] = Math.max(deaths[sweepsBefore] ?? 0, n);
          if (!finished) throw new Error('killed');
        };
      }
      await host.pass(20 * MINUTE);
      if (sweepsBefore < 0) await remove(fake);
      await host.pass(4 * HOUR);
      expect(await state(fake), `${when} ${n} of ${sweepsBefore}`).toMatchObject({ state: 'removed' });
      expect(left(fake), `${when} ${n} of ${sweepsBefore}`).toEqual([]);
    };
    let points = 0;
    for (const when of ['before', 'after'] as const) {
      // The request, the first sweep that does the work, and the last one that forgets.
      for (const sweepsBefore of [-1, 0, 2]) {
        finished = false;
        for (let n = 1; !finished; n += 1) {
          await walk(n, when, sweepsBefore);
          points += 1;
          expect(n).toBeLessThan(120);
        }
      }
    }
    expect(points).toBeGreaterThan(80);
    // Both are really walked: the first deletes, the last one forgets links, records and lanes.
    expect(deaths[0]).toBeGreaterThan(30);
    expect(deaths[2]).toBeGreaterThan(10);
  });

  test('says until when the vault can recover secrets, also of a connection that was unlinked a moment before', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await unlinkConnection(fake.app.connections, 'acme', connection.connectionId, fake.invocation());
    await remove(fake);
    await new FakeHost(fake).pass(HOUR);
    expect(await state(fake)).toMatchObject({ state: 'removed', secretsRecoverableUntil: expect.any(String) });
  });

  test('is found by the hourly scan when its message is lost', async () => {
    const fake = await populated();
    await remove(fake);
    fake.queues.sent.splice(0);
    await new FakeHost(fake).pass(3 * HOUR);
    expect(await state(fake)).toMatchObject({ state: 'removed' });
    expect(left(fake)).toEqual([]);
  });

  test('refuses new links and new mail until it is done', async () => {
    const fake = await populated();
    const authorized = await fake.authorize();
    await remove(fake);
    expect(await codeOf(fake.start())).toBe('customer_being_removed');
    expect(await codeOf(confirm(fake, authorized))).toBe('interrupted');
    await new FakeHost(fake).pass(HOUR);
    expect(left(fake)).toEqual([]);
  });

  test('finds a connection that a link made at the very moment it began', async () => {
    const fake = await populated();
    fake.identity.claims = { oid: '0b1ec700-0000-4000-8000-000000000003' };
    const authorized = await fake.authorize(customerOwned('Acme~client.secret-0003'));
    const host = new FakeHost(fake);
    let begun = false;
    // The lane of the new connection is made after the link looked whether the customer is being removed.
    fake.mails.before = async ({ kind }) => {
      if (kind !== 'write' || begun) return;
      begun = true;
      fake.mails.before = () => {};
      await remove(fake);
      await host.pass(2 * MINUTE);
    };
    await confirm(fake, authorized).catch(() => {});
    expect(begun).toBe(true);
    await host.pass(HOUR);
    expect(await state(fake)).toMatchObject({ state: 'removed' });
    expect(left(fake)).toEqual([]);
  });

  test('waits for a vault that does not answer, and is not given up', async () => {
    const fake = await populated();
    await remove(fake);
    const host = new FakeHost(fake);
    fake.secrets.before = (call) => {
      if (call === 'remove') throw new StoreUnavailable('key vault', 10);
    };
    await host.pass(3 * HOUR);
    expect(host.failures).toEqual([]);
    expect(await state(fake)).toMatchObject({ state: 'removing' });
    fake.secrets.before = () => {};
    await host.pass(HOUR);
    expect(left(fake)).toEqual([]);
  });

  test('that is asked for again changes nothing, and afterwards begins anew', async () => {
    const fake = await populated();
    await remove(fake);
    await remove(fake);
    await new FakeHost(fake).pass(HOUR);
    expect(await state(fake)).toMatchObject({ state: 'removed' });
    expect(await remove(fake)).toEqual({ state: 'removing', connectionsLeft: 0 });
    await new FakeHost(fake).pass(HOUR);
    expect(await state(fake)).toMatchObject({ state: 'removed' });
  });

  test('lets the customer come back to an empty house', async () => {
    const fake = await populated();
    await remove(fake);
    await new FakeHost(fake).pass(HOUR);
    const { connection } = await fake.link();
    expect(connection.credentialVersion).toBe(1);
    await new FakeHost(fake).pass(2 * DAY);
    expect(await fake.app.linking.connections.get('acme', connection.connectionId)).toMatchObject({
      status: 'connected',
    });
    expect(await state(fake)).toMatchObject({ state: 'removed', connectionsLeft: 0 });
  });

  test('can be asked about for 90 days', async () => {
    const fake = await populated();
    await remove(fake);
    const host = new FakeHost(fake);
    await host.pass(89 * DAY);
    expect(await state(fake)).toMatchObject({ state: 'removed' });
    await host.pass(3 * DAY);
    expect(await codeOf(state(fake))).toBe('not_found');
  });

  test('of a customer whom nobody knows ends as well', async () => {
    const fake = new FakeApp();
    await remove(fake);
    await new FakeHost(fake).pass(HOUR);
    expect(await state(fake)).toEqual({ state: 'removed', connectionsLeft: 0 });
    expect(await codeOf(getRemoval(fake.app.checks, 'nobody'))).toBe('not_found');
  });

  test('of very many connections goes on in the next sweep when its time is over', async () => {
    const fake = await populated();
    await remove(fake);
    let requests = 0;
    fake.mails.before = () => {
      requests += 1;
      fake.clock.advance(10_000);
    };
    await new FakeHost(fake).pass(6 * HOUR);
    fake.mails.before = () => {};
    expect(requests).toBeGreaterThan(24);
    expect(fake.queues.of(QUEUES.checks)).toEqual([]);
    expect(left(fake)).toEqual([]);
  });
});
