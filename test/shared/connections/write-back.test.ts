import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../shared/clock.ts';
import { settingsSchema } from '../../../shared/config.ts';
import { refreshTokenTags } from '../../../shared/connections/secret-tags.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { MAX_VERSIONS, PRESSING_VERSIONS } from '../../../shared/connections/write-back.ts';
import { FakeApp } from '../../fakes/app.ts';
import { FakeHost } from '../../fakes/host.ts';
import { Entra } from '../../life/microsoft.ts';
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

/** Old tokens die with their use. */
class StrictApp extends FakeApp {
  override readonly identity: Entra = new Entra(() => this.clock.now());

  constructor(settings: Record<string, string>) {
    super(settings);
    this.app = this.compose();
  }
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

  test('stay below it also with many instances that each store every refresh', async () => {
    for (const instances of [10, 30]) {
      const { fake, connection } = await linked(ALWAYS);
      const most = watchVersions(fake);
      const apps = Array.from({ length: instances }, () => fake.compose());
      for (let n = 0; n < 2 * 26; n += 1) {
        fake.clock.advance(56 * MINUTE);
        for (const { mail } of apps)
          await mail.tokens.get(await current(fake, connection), fake.invocation().log, 'refused');
      }
      expect(Math.max(...most.values()), `${instances} instances`).toBeLessThanOrEqual(PRESSING_VERSIONS);
    }
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

  test('goes also when it is stored after the unlink, by somebody who then dies', async () => {
    const { fake, connection } = await linked(ALWAYS, MAX_VERSIONS);
    let stored = false;
    fake.secrets.before = async (call) => {
      if (call !== 'set') return;
      fake.secrets.before = () => {};
      await unlinkConnection(fake.compose().connections, 'acme', connection.connectionId, fake.invocation());
      fake.secrets.after = () => {
        stored = true;
        for (const table of [fake.connections, fake.applications, fake.mails])
          table.before = () => {
            throw new Error('killed');
          };
        fake.secrets.before = () => {
          throw new Error('killed');
        };
      };
    };
    await token(fake, connection).catch(() => {});
    expect([stored, fake.secrets.kept.size]).toEqual([true, 1]);
    fake.secrets.after = () => {};
    fake.secrets.before = () => {};
    for (const table of [fake.connections, fake.applications, fake.mails]) table.before = () => {};
    await new FakeHost(fake).pass(2 * HOUR);
    expect([...fake.secrets.kept.keys()]).toEqual([]);
  });

  test('that somebody drew who died is used when versions are about to run out', async () => {
    const { fake, connection } = await linked(ALWAYS, PRESSING_VERSIONS);
    await killedAt(fake, 2, 'after', () => token(fake, connection));
    const { nextSecretName } = await current(fake, connection);
    expect(nextSecretName).not.toBe('');
    fake.clock.advance(59 * MINUTE);
    const renew = async () =>
      fake.compose().mail.tokens.get(await current(fake, connection), fake.invocation().log, 'refused');
    await renew();
    expect((await current(fake, connection)).secretName).toBe(connection.secretName);
    fake.clock.advance(MINUTE);
    await renew();
    expect(await current(fake, connection)).toMatchObject({ secretName: nextSecretName, nextSecretName: '' });
    await new FakeHost(fake).pass(3 * DAY);
    await expectTidy(fake);
  });

  test('is looked under before a link is called dead, and is not deleted before another token was proven', async () => {
    for (const outage of [false, true]) {
      const fake = new StrictApp(ALWAYS);
      const { connection } = await fake.link();
      fake.identity.strict = true;
      await fake.app.linking.connections.update(connection, { secretVersions: MAX_VERSIONS });
      fake.clock.advance(1);
      // The good token is under the new name, and the row still names the old one.
      await killedAt(fake, 2, 'after', async () => token(fake, await current(fake, connection)));
      fake.app = fake.compose();
      const host = new FakeHost(fake);
      fake.identity.down = outage;
      await host.pass(3 * DAY);
      fake.identity.down = false;
      await host.pass(3 * DAY);
      expect((await current(fake, connection)).status).toBe('connected');
      expect((await fake.compose().mail.tokens.get(await current(fake, connection), fake.invocation().log)).kind).toBe(
        'token',
      );
      await expectTidy(fake);
    }
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
