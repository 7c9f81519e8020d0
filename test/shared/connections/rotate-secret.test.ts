import { beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../shared/clock.ts';
import { listApplications } from '../../../shared/connections/application-resource.ts';
import { runCheck } from '../../../shared/connections/checks.ts';
import { rotateSecret } from '../../../shared/connections/rotate-secret.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { warnOfExpiry } from '../../../shared/connections/warn-of-expiry.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { ACME_TENANT } from '../../fakes/microsoft.ts';
import { killedAt } from '../linking/crash.ts';
import { customerOwned, expectTidy, passHours, SECRET } from '../linking/support.ts';
import { current, gateOf, token } from './support.ts';

const NEW = 'Acme~client.secret-0002';
const REFUSED = { error: 'invalid_client', number: 7000222, status: 401 };

let fake: FakeApp;

async function linked(): Promise<FakeApp> {
  const app = new FakeApp();
  await app.link(customerOwned());
  app.clock.advance(MINUTE);
  app.queues.sent.splice(0);
  return app;
}

beforeEach(async () => {
  fake = await linked();
});

function rotate(app: FakeApp, clientSecret = NEW, clientSecretExpiresOn?: string, customerId = 'acme') {
  const request = { clientSecret, ...(clientSecretExpiresOn !== undefined && { clientSecretExpiresOn }) };
  return rotateSecret(app.app.connections, customerId, CUSTOMER_CLIENT_ID, request, app.invocation());
}

const application = (app: FakeApp) => app.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
const value = (app: FakeApp, name = '') => app.secrets.kept.get(name)?.value;

async function deliverChecks(app: FakeApp): Promise<void> {
  for (const { text } of app.queues.of(QUEUES.checks))
    await runCheck(app.app.checks, JSON.parse(text), app.invocation());
}

describe('a new client secret', () => {
  test('is proven at the application’s tenant first, and used from then on; nobody links again', async () => {
    const answer = await rotate(fake, NEW, '2028-11-25');
    expect(fake.identity.proven).toEqual([
      { credential: { clientId: CUSTOMER_CLIENT_ID, proof: { kind: 'secret', value: NEW } }, tenant: ACME_TENANT },
    ]);
    expect(answer).toEqual({
      customerId: 'acme',
      clientId: CUSTOMER_CLIENT_ID,
      tenantId: ACME_TENANT,
      status: 'working',
      secretSetAt: fake.clock.now().toISOString(),
      secretExpiresOn: '2028-11-25',
    });
    const row = await application(fake);
    expect([value(fake, row?.secretName), value(fake, row?.previousSecretName)]).toEqual([NEW, SECRET]);
    expect(fake.secrets.kept.get(row?.secretName ?? '')?.expiresOn).toEqual(new Date('2028-11-25'));
    const { connections } = await fake.app.linking.connections.list('acme', 10);
    for (const connection of connections) expect((await token(fake, connection)).kind).toBe('token');
    expect(fake.identity.refreshed.at(-1)?.credential.proof).toEqual({ kind: 'secret', value: NEW });
  });

  test('without a date is taken to live 730 days, and says that this is assumed', async () => {
    expect(await rotate(fake)).toMatchObject({ secretExpiresOn: '2028-11-22', secretExpiryAssumed: true });
  });

  test('opens what the old one had shut', async () => {
    const { connections } = await fake.app.linking.connections.list('acme', 10);
    const connection = connections[0];
    if (!connection) throw new Error();
    fake.identity.failures.push(REFUSED, REFUSED);
    const refused = await token(fake, connection);
    if (refused.kind !== 'broken') throw new Error();
    await fake.app.mail.health.shut(connection, 'broken', 'x', fake.invocation().log, refused.application);
    expect(await rotate(fake)).toMatchObject({ status: 'working' });
    await deliverChecks(fake);
    expect(await current(fake, connection)).toMatchObject({ status: 'connected', reason: '' });
    expect(await gateOf(fake, connection)).toBe('open');
  });

  test.each([
    ['secret_wrong', { error: 'invalid_client', number: 7000215, status: 401 }],
    ['secret_expired', REFUSED],
    ['app_not_found', { error: 'unauthorized_client', number: 700016, status: 400 }],
    ['microsoft_unavailable', { error: 'server_error', status: 503 }],
  ])('that Microsoft does not take changes nothing: %s', async (code, facts) => {
    const before = [fake.applications.all(), [...fake.secrets.kept]];
    fake.identity.failures.push(facts);
    await expect(rotate(fake)).rejects.toMatchObject({ code });
    expect([fake.applications.all(), [...fake.secrets.kept]]).toEqual(before);
    expect(fake.queues.of(QUEUES.checks)).toEqual([]);
  });

  test('that the vault does not take changes nothing that anybody uses, and goes the next time', async () => {
    fake.secrets.before = (call) => {
      if (call === 'set') throw new StoreUnavailable('key vault');
    };
    await expect(rotate(fake)).rejects.toBeInstanceOf(StoreUnavailable);
    fake.secrets.before = () => {};
    const row = await application(fake);
    expect(value(fake, row?.secretName)).toBe(SECRET);
    fake.clock.advance(4 * MINUTE);
    await rotate(fake);
    expect(value(fake, (await application(fake))?.secretName)).toBe(NEW);
  });

  test('sent again, as after a lost answer, makes no second one and keeps the fallback', async () => {
    await rotate(fake, NEW, '2028-01-01');
    const before = await application(fake);
    await rotate(fake, NEW, '2028-01-01');
    await rotate(fake, NEW);
    const after = await application(fake);
    expect(after).toMatchObject({ secretName: before?.secretName, previousSecretName: before?.previousSecretName });
    expect(fake.secrets.kept.get(after?.secretName ?? '')?.versions).toBe(1);
  });

  test('sent again with the true date begins the warnings anew, and the vault shows it', async () => {
    await rotate(fake);
    const { secretExpiresOn = '', secretExpiryAssumed } = (await application(fake)) ?? {};
    expect(secretExpiryAssumed).toBe(true);
    const warn = async () => {
      const current = await application(fake);
      if (current) await warnOfExpiry(fake.app.checks, current, 'it@acme.example', fake.invocation().log);
    };
    fake.clock.advance(Date.parse(secretExpiresOn) - fake.clock.now().getTime() - DAY / 2);
    await warn();
    const truth = new Date(fake.clock.now().getTime() + 50 * DAY).toISOString().slice(0, 10);
    expect(await rotate(fake, NEW, truth)).toMatchObject({ secretExpiresOn: truth });
    expect(fake.secrets.kept.get((await application(fake))?.secretName ?? '')?.expiresOn).toEqual(new Date(truth));
    await warn();
    await warn();
    const told = fake.cloudEvents();
    const expiring = told.filter(({ type }) => type === 'application.secret_expiring');
    expect(expiring.map(({ data }) => [data['daysLeft'], data['assumed'] ?? false])).toEqual([
      [1, true],
      [50, false],
    ]);
    expect(new Set(expiring.map(({ id }) => id)).size).toBe(2);
  });

  test('of another customer’s application is 404, and Microsoft is not asked', async () => {
    await expect(rotate(fake, NEW, undefined, 'globex')).rejects.toMatchObject({ code: 'not_found' });
    expect(fake.identity.proven).toEqual([]);
  });

  test('that meets another rotation waits its turn', async () => {
    let inner: unknown;
    fake.secrets.before = async (call) => {
      if (call !== 'set' || inner !== undefined) return;
      inner = await rotate(fake, 'Acme~client.secret-0003').catch((error: unknown) => error);
    };
    await rotate(fake);
    expect(inner).toMatchObject({ code: 'rotation_in_progress' });
    expect(value(fake, (await application(fake))?.secretName)).toBe(NEW);
    fake.secrets.before = () => {};
    await expectTidy(fake);
  });

  test('is deleted by who was called dead while putting it in place', async () => {
    let once = false;
    fake.secrets.before = async (call) => {
      if (call !== 'set' || once) return;
      once = true;
      fake.clock.advance(4 * MINUTE);
      await rotate(fake, 'Acme~client.secret-0003');
    };
    await expect(rotate(fake)).rejects.toMatchObject({ code: 'rotation_in_progress' });
    fake.secrets.before = () => {};
    expect(value(fake, (await application(fake))?.secretName)).toBe('Acme~client.secret-0003');
    await expectTidy(fake);
  });
});

describe.each(['before', 'after'] as const)('a rotation killed %s any of its writes', (when) => {
  test('leaves nothing behind, and can be repeated at once or later', async () => {
    let points = 0;
    for (let n = 1; n < 30; n += 1) {
      for (const wait of [0, 48]) {
        const world = await linked();
        const finished = await killedAt(world, n, when, () => rotate(world));
        if (wait > 0) await passHours(world, wait);
        else world.clock.advance(4 * MINUTE);
        if (wait > 0) await expectTidy(world);
        await rotate(world);
        expect(value(world, (await application(world))?.secretName)).toBe(NEW);
        await passHours(world, 49);
        await expectTidy(world);
        if (finished && wait > 0) return expect(points).toBeGreaterThanOrEqual(8);
        points += 1;
      }
    }
    throw new Error('a rotation has fewer writes than that');
  });
});

describe('an unlink of the last connection', () => {
  test('that meets a rotation lets it end, and then leaves no secret', async () => {
    const { connections } = await fake.app.linking.connections.list('acme', 10);
    const { connectionId } = connections[0] ?? { connectionId: '' };
    let answer: unknown;
    fake.secrets.before = async (call) => {
      if (call !== 'set' || answer !== undefined) return;
      answer = await unlinkConnection(fake.app.connections, 'acme', connectionId, fake.invocation());
    };
    await rotate(fake);
    fake.secrets.before = () => {};
    expect(answer).toMatchObject({ state: 'removing' });
    await passHours(fake, 2);
    expect(fake.secrets.kept.size).toBe(0);
    expect(fake.applications.all()).toEqual([]);
  });

  test('takes along what a dead rotation left', async () => {
    await killedAt(fake, 3, 'before', () => rotate(fake));
    fake.clock.advance(HOUR);
    const { connections } = await fake.app.linking.connections.list('acme', 10);
    for (const { connectionId } of connections)
      await unlinkConnection(fake.app.connections, 'acme', connectionId, fake.invocation());
    expect(fake.secrets.kept.size).toBe(0);
  });
});

test('applications are listed without names of secrets, page by page', async () => {
  await rotate(fake);
  const page = await listApplications(fake.app.connections, 'acme', 10);
  expect(page.items).toMatchObject([{ clientId: CUSTOMER_CLIENT_ID, status: 'working' }]);
  expect(JSON.stringify(page)).not.toContain('client-secret-');
  expect(await listApplications(fake.app.connections, 'globex', 10)).toEqual({ items: [] });
});
