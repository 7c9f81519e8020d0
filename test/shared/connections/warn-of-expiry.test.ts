import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../shared/clock.ts';
import { rotateSecret } from '../../../shared/connections/rotate-secret.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { FakeHost } from '../../fakes/host.ts';
import { killedAt } from '../linking/crash.ts';
import { customerOwned, SECRET } from '../linking/support.ts';
import { SECOND_OBJECT } from './support.ts';

interface Warning {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

function warnings(fake: FakeApp): Warning[] {
  return fake.queues
    .of(QUEUES.events)
    .map(({ text }) => JSON.parse(text) as Warning)
    .filter(({ type }) => type === 'application.secret_expiring');
}

const daysLeft = (fake: FakeApp) => warnings(fake).map(({ data }) => data['daysLeft']);

function expiringIn(fake: FakeApp, days: number, secret = 'Acme~client.secret-0001') {
  const { application } = customerOwned(secret);
  const clientSecretExpiresOn = new Date(fake.clock.now().getTime() + days * DAY).toISOString().slice(0, 10);
  return { application: { ...application, clientSecretExpiresOn } } as ReturnType<typeof customerOwned>;
}

async function linked(days: number) {
  const fake = new FakeApp();
  const request = expiringIn(fake, days);
  await fake.link(request);
  return { fake, request, host: new FakeHost(fake) };
}

describe('the end of a client secret', () => {
  test('is told 60, 30, 14, 7 and 1 days before, each once, however many connections live on it', async () => {
    const { fake, request, host } = await linked(70);
    fake.identity.claims = { oid: SECOND_OBJECT };
    await fake.link(request);
    await host.pass(71 * DAY);
    expect(daysLeft(fake)).toEqual([60, 30, 14, 7, 1]);
    expect(warnings(fake)[0]?.data).toMatchObject({
      customerId: 'acme',
      clientId: CUSTOMER_CLIENT_ID,
      reason: 'secret_expiring',
      expiresOn: '2027-02-01',
    });
    expect(warnings(fake)[0]?.data).not.toHaveProperty('assumed');
  });

  test('is told by the nearest threshold alone when nobody looked for a while', async () => {
    const { fake, host } = await linked(70);
    fake.clock.advance(50 * DAY);
    await host.pass(3 * DAY);
    expect(daysLeft(fake)).toEqual([20].map(() => expect.any(Number)));
    await host.pass(30 * DAY);
    expect(warnings(fake)).toHaveLength(4);
  });

  test('of a new secret is told anew, of the replaced one no more', async () => {
    const { fake, host } = await linked(40);
    await host.pass(2 * DAY);
    fake.clock.advance(MINUTE);
    expect(warnings(fake)).toHaveLength(1);
    await fake.link(expiringIn(fake, 65, 'Acme~client.secret-0002'));
    await host.pass(2 * DAY);
    expect(warnings(fake)).toHaveLength(1);
    await host.pass(10 * DAY);
    expect(daysLeft(fake)).toEqual([expect.any(Number), 60]);
  });

  test('is not told again because the same secret was entered once more', async () => {
    const { fake, request, host } = await linked(50);
    await host.pass(2 * DAY);
    await fake.link(request);
    await host.pass(5 * DAY);
    expect(warnings(fake)).toHaveLength(1);
  });

  test('is told at each threshold of its true date, whatever was told of an assumed one', async () => {
    const fake = new FakeApp();
    const { clientSecretExpiresOn: _, ...without } = customerOwned().application as Record<string, unknown>;
    await fake.link({ application: without as unknown as ReturnType<typeof customerOwned>['application'] });
    fake.clock.advance(699 * DAY);
    const host = new FakeHost(fake);
    await host.pass(3 * DAY);
    expect(daysLeft(fake)).toEqual([31, 30].map(() => expect.any(Number)));
    const trueDate = new Date(fake.clock.now().getTime() + 70 * DAY).toISOString().slice(0, 10);
    const request = { clientSecret: SECRET, clientSecretExpiresOn: trueDate };
    await rotateSecret(fake.app.connections, 'acme', CUSTOMER_CLIENT_ID, request, fake.invocation());
    await host.pass(71 * DAY);
    expect(daysLeft(fake).slice(2)).toEqual([60, 30, 14, 7, 1]);
  });

  test('that nobody gave is told as assumed, and is not counted', async () => {
    const fake = new FakeApp();
    const { application } = customerOwned();
    const { clientSecretExpiresOn: _, ...without } = application as Record<string, unknown>;
    await fake.link({ application: without as unknown as typeof application });
    fake.clock.advance(699 * DAY);
    await new FakeHost(fake).pass(3 * DAY);
    expect(warnings(fake)[0]?.data).toMatchObject({ assumed: true });
    const [row] = fake.connections.all().filter(({ rowKey }) => rowKey.startsWith('con_'));
    expect(Date.parse(String(row?.properties['troubleAt']))).toBeGreaterThan(fake.clock.now().getTime() + 80 * DAY);
  });

  test('that is known counts for the days to trouble', async () => {
    const { fake, host } = await linked(20);
    await host.pass(2 * DAY);
    const [row] = fake.connections.all().filter(({ rowKey }) => rowKey.startsWith('con_'));
    expect(row?.properties['troubleAt']).toBe('2026-12-13T00:00:00.000Z');
  });

  test('is on the secret in the vault, where the portal shows it', async () => {
    const { fake } = await linked(20);
    const [secret] = [...fake.secrets.kept.values()].filter(({ tags }) => tags.kind === 'client-secret');
    expect(secret?.expiresOn?.toISOString()).toBe('2026-12-13T00:00:00.000Z');
  });

  test('is told at least once when the process dies on the way', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let n = 1, finished = false; !finished; n += 1) {
        const { fake, host } = await linked(29);
        let executions = 0;
        host.execute = async (action, what) => {
          if (what !== 'check') return action();
          executions += 1;
          if (executions !== 1) return action();
          finished = await killedAt(fake, n, when, action);
          if (!finished) throw new Error('killed');
        };
        await host.pass(2 * DAY + HOUR);
        expect(warnings(fake).length, `${when} ${n}`).toBeGreaterThan(0);
        expect(new Set(daysLeft(fake)).size).toBe(1);
        expect(n).toBeLessThan(40);
      }
    }
  });
});
