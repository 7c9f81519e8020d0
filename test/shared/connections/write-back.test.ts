import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../shared/clock.ts';
import { settingsSchema } from '../../../shared/config.ts';
import { refreshTokenTags } from '../../../shared/connections/secret-tags.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { MAX_VERSIONS } from '../../../shared/connections/write-back.ts';
import { FakeApp } from '../../fakes/app.ts';
import { FakeHost } from '../../fakes/host.ts';
import { killedAt } from '../linking/crash.ts';
import { expectTidy } from '../linking/support.ts';
import { current, token } from './support.ts';

/** A vault's backup fails above this. */
const VAULT_LIMIT = 500;
const ALWAYS = { REFRESH_TOKEN_WRITE_AFTER_DAYS: '0' };

async function linked(settings: Record<string, string> = {}, versions = 1) {
  const fake = new FakeApp(settings);
  const { connection } = await fake.link();
  const ready = await fake.app.linking.connections.update(connection, { secretVersions: versions });
  if (!ready) throw new Error();
  fake.clock.advance(1);
  return { fake, connection: ready };
}

/** Every secret that was ever written, with the most versions that it had. */
function watchVersions(fake: FakeApp): Map<string, number> {
  const most = new Map<string, number>();
  fake.secrets.after = (call, name) => {
    if (call === 'set') most.set(name, Math.max(most.get(name) ?? 0, fake.secrets.kept.get(name)?.versions ?? 0));
  };
  return most;
}

describe('versions of a secret', () => {
  test('stay far below what a vault can back up in ten years, at every setting', () => {
    const [least, most] = [0, 60];
    expect(settingsSchema.shape.REFRESH_TOKEN_WRITE_AFTER_DAYS.safeParse(String(most + 1)).success).toBe(false);
    const tenYears = 3653;
    for (let days = least; days <= most; days += 1) {
      // With 0, every refresh: an access token lives an hour and is renewed five minutes earlier.
      const writesADay = days === 0 ? 24 / (55 / 60) : 1 / days;
      const underOneName = Math.min(1 + tenYears * writesADay, MAX_VERSIONS);
      // A name that was changed a day ago is not changed again: at most two more days of writes go under it.
      const bound = underOneName + (underOneName === MAX_VERSIONS ? Math.ceil(2 * writesADay) : 0);
      expect(bound, `${days} days`).toBeLessThan(VAULT_LIMIT / 2 + 50);
      if (days >= 30) expect(underOneName).toBeLessThan(125);
    }
  });

  test('stay below it also when every refresh is stored, for a hundred days of a busy mailbox', async () => {
    const { fake, connection } = await linked(ALWAYS);
    const most = watchVersions(fake);
    const host = new FakeHost(fake);
    for (let n = 0; n < 100 * 24; n += 1) {
      await host.pass(HOUR);
      expect((await token(fake, await current(fake, connection))).kind).toBe('token');
    }
    expect(most.size).toBeGreaterThan(5);
    expect(Math.max(...most.values())).toBeLessThan(VAULT_LIMIT / 2);
    // The name in use, and at most the one before.
    expect([...fake.secrets.kept.values()].filter(({ tags }) => tags.kind === 'refresh-token').length).toBeLessThan(3);
    await expectTidy(fake);
  });

  test('of many instances that renew at once are not many: those that come later find it stored', async () => {
    const { fake, connection } = await linked();
    fake.clock.advance(30 * DAY);
    for (let n = 0; n < 5; n += 1)
      expect((await fake.compose().mail.tokens.get(connection, fake.invocation().log)).kind).toBe('token');
    expect(fake.secrets.kept.get(connection.secretName)?.versions).toBe(2);
  });
});

describe('a new name for the refresh token', () => {
  test('is in the row before the vault is touched, and the old secret stays for a day', async () => {
    const { fake, connection } = await linked(ALWAYS, MAX_VERSIONS);
    fake.secrets.before = async (call, name) => {
      if (call !== 'set') return;
      fake.secrets.before = () => {};
      expect((await current(fake, connection)).nextSecretName).toBe(name);
    };
    expect((await token(fake, connection)).kind).toBe('token');
    const moved = await current(fake, connection);
    expect(moved).toMatchObject({ secretVersions: 1, nextSecretName: '', previousSecretName: connection.secretName });
    expect(moved.secretName).not.toBe(connection.secretName);
    expect([...fake.secrets.kept.keys()].sort()).toEqual([moved.secretName, connection.secretName].sort());
    await new FakeHost(fake).pass(50 * HOUR);
    expect([...fake.secrets.kept.keys()]).toEqual([moved.secretName]);
    expect((await fake.compose().mail.tokens.get(await current(fake, connection), fake.invocation().log)).kind).toBe(
      'token',
    );
  });

  test('that is drawn by somebody who dies leaves nothing behind, wherever that is', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let n = 1, finished = false; !finished; n += 1) {
        const { fake, connection } = await linked(ALWAYS, MAX_VERSIONS);
        finished = await killedAt(fake, n, when, () => token(fake, connection));
        // Whatever was recorded, the vault holds a token that works, under the row's name.
        expect(fake.secrets.kept.has((await current(fake, connection)).secretName)).toBe(true);
        fake.app = fake.compose();
        await new FakeHost(fake).pass(4 * DAY);
        await expectTidy(fake);
        expect((await current(fake, connection)).nextSecretName).toBe('');
        expect(n).toBeLessThan(20);
      }
    }
  });

  test('goes with an unlink, also when it is not used yet', async () => {
    const { fake, connection } = await linked();
    const drawn = { nextSecretName: 'refresh-token-drawn', nextSecretAt: fake.clock.now().toISOString() };
    await fake.app.linking.connections.update(connection, drawn);
    await fake.secrets.set('refresh-token-drawn', 'x', refreshTokenTags('acme', connection.connectionId));
    await unlinkConnection(fake.app.connections, 'acme', connection.connectionId, fake.invocation());
    expect([...fake.secrets.kept.keys()]).toEqual([]);
  });

  test('is not used once the mailbox was linked again meanwhile, and is deleted', async () => {
    const { fake, connection } = await linked(ALWAYS, MAX_VERSIONS);
    fake.secrets.before = async (call) => {
      if (call !== 'set') return;
      fake.secrets.before = () => {};
      await fake.link();
    };
    await token(fake, connection);
    const relinked = await current(fake, connection);
    expect(relinked).toMatchObject({ credentialVersion: 2, previousSecretName: connection.secretName });
    expect([...fake.secrets.kept.keys()].sort()).toEqual([relinked.secretName, connection.secretName].sort());
    await new FakeHost(fake).pass(3 * DAY);
    await expectTidy(fake);
  });

  test('taken away by the check is not used by whoever wakes up after that', async () => {
    const { fake, connection } = await linked(ALWAYS, MAX_VERSIONS);
    const sleeper = fake.compose();
    fake.secrets.before = async (call) => {
      if (call !== 'set') return;
      fake.secrets.before = () => {};
      await new FakeHost(fake).pass(3 * DAY);
    };
    await sleeper.mail.tokens.get(connection, fake.invocation().log);
    await new FakeHost(fake).pass(3 * DAY);
    await expectTidy(fake);
  });

  test('waits while the name before is younger than a day', async () => {
    const { fake, connection } = await linked(ALWAYS, MAX_VERSIONS);
    const relinked = (await fake.link()).connection;
    await fake.app.linking.connections.update(relinked, { secretVersions: MAX_VERSIONS });
    fake.clock.advance(MINUTE);
    await token(fake, await current(fake, connection));
    expect((await current(fake, connection)).secretName).toBe(relinked.secretName);
    fake.clock.advance(DAY);
    await token(fake, await current(fake, connection));
    const moved = await current(fake, connection);
    expect(moved.previousSecretName).toBe(relinked.secretName);
    expect([...fake.secrets.kept.keys()].sort()).toEqual([moved.secretName, relinked.secretName].sort());
  });
});
