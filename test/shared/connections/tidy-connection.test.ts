import { describe, expect, test } from 'vitest';
import { DAY, MINUTE, SECOND } from '../../../shared/clock.ts';
import { tidyConnection } from '../../../shared/connections/tidy-connection.ts';
import { RECORD_DAYS } from '../../../shared/mail/limits.ts';
import { FakeApp } from '../../fakes/app.ts';
import { wait } from './support.ts';

/** A connection with records of mail, some of them too old to be kept. */
async function withRecords(old: number) {
  const fake = new FakeApp();
  const { connection } = await fake.link();
  const at = (days: number) => new Date(fake.clock.now().getTime() - days * DAY).toISOString();
  for (let n = 0; n < old; n += 1) await insert(`1|old-${n}`, at(RECORD_DAYS));
  await insert('1|young', at(RECORD_DAYS - 1));
  await insert('1|waiting', '');
  function insert(rowKey: string, endedAt: string) {
    const properties = { v: 1, state: endedAt ? 'accepted' : 'queued', endedAt };
    return fake.mails.write(connection.connectionId, [{ kind: 'insert', rowKey, properties }]);
  }
  const kept = () => fake.mails.all().flatMap(({ rowKey }) => (rowKey.startsWith('1|') ? [rowKey] : []));
  return { fake, connection, kept };
}

describe('records whose month is over', () => {
  test('go a hundred at a time, and the others stay', async () => {
    const { fake, connection, kept } = await withRecords(250);
    let writes = 0;
    fake.mails.before = ({ kind }) => {
      if (kind === 'write') writes += 1;
    };
    await tidyConnection(fake.app.checks, connection);
    expect(kept()).toEqual(['1|waiting', '1|young']);
    expect(writes).toBe(3);
  });

  test('are left to the next day once a check has taken a minute for them', async () => {
    const { fake, connection, kept } = await withRecords(1000);
    fake.mails.before = ({ kind }) => {
      if (kind === 'write') fake.clock.advance(25 * SECOND);
    };
    await tidyConnection(fake.app.checks, connection);
    expect(kept()).toHaveLength(2 + 700);
    fake.mails.before = () => {};
    await tidyConnection(fake.app.checks, connection);
    expect(kept()).toEqual(['1|waiting', '1|young']);
  });

  test('wait for the content of ended mail, whose time is shorter', async () => {
    const { fake, connection, kept } = await withRecords(10);
    for (const mailId of ['m1', 'm2', 'm3']) await wait(fake, connection, mailId);
    const parkedAt = new Date(fake.clock.now().getTime() - 8 * DAY).toISOString();
    const parked = () => fake.mails.all().filter(({ rowKey }) => rowKey.startsWith('2|'));
    for (const { rowKey } of parked())
      await fake.mails.write(connection.connectionId, [
        { kind: 'merge', rowKey, properties: { parked: true, parkedAt } },
      ]);
    fake.mails.before = ({ kind }) => {
      if (kind === 'write') fake.clock.advance(MINUTE);
    };
    await tidyConnection(fake.app.checks, connection);
    expect([parked().length, kept().length]).toEqual([1, 15]);
    fake.mails.before = () => {};
    await tidyConnection(fake.app.checks, connection);
    expect([parked().length, kept().length]).toEqual([0, 5]);
  });
});
