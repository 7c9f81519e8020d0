import { describe, expect, test } from 'vitest';
import {
  patchConnection,
  patchConnectionSchema,
  pauseConnection,
  resumeConnection,
} from '../../../shared/connections/change-connection.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { FakeApp } from '../../fakes/app.ts';
import { killedAt } from '../linking/crash.ts';
import { codeOf } from '../linking/support.ts';
import { current, eventsOf, gateOf } from './support.ts';

async function linked() {
  const fake = new FakeApp();
  const { connection } = await fake.link();
  fake.queues.sent.splice(0);
  const run = (action: typeof pauseConnection) =>
    action(fake.app.connections, 'acme', connection.connectionId, fake.invocation());
  return { fake, connection, pause: () => run(pauseConnection), resume: () => run(resumeConnection) };
}

describe('pausing', () => {
  test('shuts the gate, says so, and tells it once', async () => {
    const { fake, connection, pause } = await linked();
    expect(await pause()).toMatchObject({ status: 'paused' });
    expect(await pause()).toMatchObject({ status: 'paused' });
    expect(await gateOf(fake, connection)).toBe('paused');
    expect(eventsOf(fake)).toEqual(['connection.paused']);
  });

  test('and resuming lets mail go again, with a ticket for what waits', async () => {
    const { fake, connection, pause, resume } = await linked();
    await pause();
    expect(await resume()).toMatchObject({ status: 'connected' });
    expect(await gateOf(fake, connection)).toBe('open');
    expect(eventsOf(fake)).toEqual(['connection.paused', 'connection.resumed']);
    expect(fake.queues.of(QUEUES.lanes)).toHaveLength(1);
  });

  test.each(['before', 'after'] as const)('that died %s any write is finished by its repetition', async (when) => {
    for (let n = 1, finished = false; !finished; n += 1) {
      const { fake, connection, pause, resume } = await linked();
      finished = await killedAt(fake, n, when, pause);
      await pause();
      expect(await gateOf(fake, connection)).toBe('paused');
      await killedAt(fake, n, when, resume);
      await resume();
      expect(await gateOf(fake, connection)).toBe('open');
      expect(fake.queues.of(QUEUES.lanes).length).toBeGreaterThan(0);
      expect((await current(fake, connection)).status).toBe('connected');
    }
  });

  test('is refused for a connection that does not work, and so is resuming it', async () => {
    const { fake, connection, pause, resume } = await linked();
    await fake.app.mail.health.shut(connection, 'needs_relink', 'invalid_grant', fake.invocation().log);
    expect(await codeOf(pause())).toBe('connection_not_working');
    expect(await codeOf(resume())).toBe('connection_not_working');
    expect(await gateOf(fake, connection)).toBe('needs_relink');
  });

  test('is refused for a connection that is gone, or another customer’s', async () => {
    const { fake, connection, pause } = await linked();
    const { connectionId } = connection;
    expect(await codeOf(pauseConnection(fake.app.connections, 'other', connectionId, fake.invocation()))).toBe(
      'not_found',
    );
    await unlinkConnection(fake.app.connections, 'acme', connectionId, fake.invocation());
    expect(await codeOf(pause())).toBe('not_found');
  });
});

describe('changing a connection', () => {
  test('changes what is given and nothing else', async () => {
    const { fake, connection } = await linked();
    const { connectionId } = connection;
    const patched = await patchConnection(fake.app.connections, 'acme', connectionId, {
      onUncertain: 'resend',
      alertAddress: 'it@acme.example',
    });
    expect(patched).toMatchObject({
      onUncertain: 'resend',
      alertAddress: 'it@acme.example',
      displayName: connection.displayName,
    });
    expect(await patchConnection(fake.app.connections, 'acme', connectionId, { alertAddress: '' })).not.toHaveProperty(
      'alertAddress',
    );
  });

  test('is noticed at once by the instance that did it', async () => {
    const { fake, connection } = await linked();
    const { connectionId } = connection;
    await fake.app.mail.cache.get('acme', connectionId);
    await patchConnection(fake.app.connections, 'acme', connectionId, { onUncertain: 'resend' });
    expect((await fake.app.mail.cache.get('acme', connectionId))?.onUncertain).toBe('resend');
  });

  test.each([
    [{}],
    [{ displayName: '' }],
    [{ displayName: 'a\nb' }],
    [{ alertAddress: 'nobody' }],
    [{ alertAddress: 'a@b\r\nBcc: c@d' }],
    [{ onUncertain: 'maybe' }],
    [{ status: 'connected' }],
    [{ secretName: 'x' }],
  ])('refuses %j', (patch) => {
    expect(patchConnectionSchema.safeParse(patch).success).toBe(false);
  });

  test('of a connection that is gone is not found', async () => {
    const { fake, connection } = await linked();
    await fake.app.linking.connections.update(connection, { status: 'removing' });
    const patch = { displayName: 'x' };
    expect(await codeOf(patchConnection(fake.app.connections, 'acme', connection.connectionId, patch))).toBe(
      'not_found',
    );
  });
});
