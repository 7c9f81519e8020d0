import type { QueueClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Storage, startStorage } from '../../../sandbox/storage/azurite.ts';
import { type Fixture, type FixtureOptions, queue, received, startFixture } from './fixture.ts';

let storage: Storage;
let name: string;
let work: QueueClient;
let poison: QueueClient;
const running: Fixture[] = [];
let serial = 0;

beforeAll(async () => {
  storage = await startStorage({ ports: 'free' });
});
afterAll(() => storage.close());
beforeEach(() => {
  serial += 1;
  name = `work-${serial}`;
  work = queue(storage.connectionString, name);
  poison = queue(storage.connectionString, `${name}-poison`);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ host }) => host.close()));
});

async function start({ settings, ...options }: FixtureOptions = {}): Promise<Fixture> {
  const fixture = await startFixture({
    ...options,
    settings: { Work: storage.connectionString, WORK_QUEUE: name, ...settings },
  });
  running.push(fixture);
  return fixture;
}

/** Resolves with what was received, as soon as it is this many. */
function receivedBy({ lines }: Fixture, count: number, timeout = 15_000) {
  return vi.waitFor(
    () => {
      const all = received(lines);
      if (all.length < count) throw new Error(`${all.length} of ${count} received:\n${lines.join('\n')}`);
      return all;
    },
    { timeout, interval: 20 },
  );
}

/** Resolves when nothing is left, hidden messages included. */
function emptied(client: QueueClient) {
  return vi.waitFor(
    async () => {
      expect((await client.getProperties()).approximateMessagesCount).toBe(0);
    },
    { timeout: 10_000, interval: 20 },
  );
}

async function firstPoison() {
  return vi.waitFor(
    async () => {
      const { peekedMessageItems } = await poison.peekMessages();
      const [message] = peekedMessageItems;
      if (!message) throw new Error('The poison queue is empty.');
      return message;
    },
    { timeout: 15_000, interval: 20 },
  );
}

describe('delivery', () => {
  test('a plain-text message is delivered once with its metadata, and deleted', async () => {
    await work.create();
    const fixture = await start();
    const { messageId } = await work.sendMessage('{"hello":"wörld & <tag>"}');
    await fixture.line("Executed 'work' (Succeeded");
    expect(received(fixture.lines)).toMatchObject([
      { message: { hello: 'wörld & <tag>' }, dequeueCount: 1, id: messageId, queueTrigger: { hello: 'wörld & <tag>' } },
    ]);
    await emptied(work);
  });

  test('a queue that does not exist yet is waited for without a word', async () => {
    const fixture = await start();
    expect(fixture.lines).toEqual([]);
    await work.create();
    await work.sendMessage('"late"');
    await fixture.line("Executed 'work' (Succeeded");
    expect(fixture.lines.filter((line) => line.startsWith('Queue '))).toEqual([]);
  });

  test('what the app writes to the console is forwarded line by line', async () => {
    await work.create();
    await work.sendMessage('{}');
    const fixture = await start();
    await fixture.line('a plain line');
    expect(fixture.lines).toContain('a plain line');
  });

  test('no more than batchSize plus newBatchThreshold run at once', async () => {
    await work.create();
    for (let count = 0; count < 8; count += 1) await work.sendMessage('{"hang":true}');
    const fixture = await start({
      redeliverySeconds: 600,
      settings: {
        AzureFunctionsJobHost__extensions__queues__batchSize: '2',
        AzureFunctionsJobHost__extensions__queues__newBatchThreshold: '1',
      },
    });
    await receivedBy(fixture, 2);
    // The rest is still visible: nobody took it. A second batch needs one of the two to end.
    expect((await work.peekMessages({ numberOfMessages: 32 })).peekedMessageItems).toHaveLength(6);
    await fixture.host.kill();
    await receivedBy(fixture, 4);
    expect((await work.peekMessages({ numberOfMessages: 32 })).peekedMessageItems).toHaveLength(4);
    // Nothing is left to hang, so that closing need not wait.
    await work.clearMessages();
    await fixture.host.kill();
  });

  test('a run longer than the redelivery time is not delivered a second time', async () => {
    await work.create();
    const fixture = await start({ redeliverySeconds: 1 });
    await work.sendMessage('{"ms":3000}');
    await fixture.line("Executed 'work' (Succeeded");
    await emptied(work);
    expect(received(fixture.lines)).toHaveLength(1);
  });

  test('carriage returns arrive as they were put, although storage spells them', async () => {
    await work.create();
    await work.sendMessage('{\r\n  "windows": true\r\n}');
    const fixture = await start();
    await emptied(work);
    expect(received(fixture.lines)).toMatchObject([{ message: { windows: true } }]);
  });

  test('base64 messages are decoded, and what is not base64 goes to the poison queue unread', async () => {
    await work.create();
    await work.sendMessage('not base64!');
    await work.sendMessage(Buffer.from('{"coded":true}').toString('base64'));
    const fixture = await start({ settings: { AzureFunctionsJobHost__extensions__queues__messageEncoding: 'base64' } });
    expect((await firstPoison()).messageText).toBe('not base64!');
    await emptied(work);
    expect(received(fixture.lines)).toMatchObject([{ message: { coded: true } }]);
  });
});

describe('failure', () => {
  test('a failing message comes back after visibilityTimeout until maxDequeueCount, then goes to the poison queue', async () => {
    await work.create();
    const fixture = await start();
    const started = Date.now();
    await work.sendMessage('{"fail":true}');
    const message = await firstPoison();
    expect(Date.now() - started).toBeGreaterThanOrEqual(2_000);
    expect(received(fixture.lines).map(({ dequeueCount }) => dequeueCount)).toEqual([1, 2, 3]);
    expect(message.messageText).toBe('{"fail":true}');
    const days = (message.expiresOn.getTime() - message.insertedOn.getTime()) / 86_400_000;
    expect(days).toBeCloseTo(7, 1);
    await emptied(work);
    await fixture.line(`Message has reached MaxDequeueCount of 3. Moving message to queue '${name}-poison'.`);
  });

  test('maxDequeueCount of the environment wins over host.json', async () => {
    await work.create();
    const fixture = await start({ settings: { azurefunctionsjobhost__Extensions__Queues__MaxDequeueCount: '1' } });
    await work.sendMessage('{"fail":true}');
    await firstPoison();
    expect(received(fixture.lines)).toHaveLength(1);
  });

  test('redeliverySeconds replaces visibilityTimeout when it is given', async () => {
    await work.create();
    const fixture = await start({
      redeliverySeconds: 2,
      settings: { AzureFunctionsJobHost__extensions__queues__visibilityTimeout: '00:00:00' },
    });
    await work.sendMessage('{"fail":true}');
    await receivedBy(fixture, 1);
    const first = Date.now();
    await receivedBy(fixture, 2);
    expect(Date.now() - first).toBeGreaterThanOrEqual(1_500);
  });

  test('a run that exceeds functionTimeout counts as failed', async () => {
    await work.create();
    const fixture = await start({ settings: { AzureFunctionsJobHost__functionTimeout: '00:00:01' } });
    await work.sendMessage('{"hang":true}');
    expect(await fixture.line("Executed 'work' (Failed")).toContain('Timeout value of 1 s exceeded');
    expect((await receivedBy(fixture, 2)).map(({ dequeueCount }) => dequeueCount)).toEqual([1, 2]);
  });
});

describe('death', () => {
  test('the message of a killed worker reappears after redeliverySeconds', async () => {
    await work.create();
    const fixture = await start({ redeliverySeconds: 2 });
    await work.sendMessage('{"hang":true}');
    const [first] = await receivedBy(fixture, 1);
    await fixture.host.kill();
    const [, second] = await receivedBy(fixture, 2);
    expect(second).toMatchObject({ id: first?.id, dequeueCount: 2 });
    expect(second?.pid).not.toBe(first?.pid);
  });

  test('a message taken more often than maxDequeueCount by dying workers is poisoned without another run', async () => {
    await work.create();
    const fixture = await start({
      redeliverySeconds: 1,
      settings: { AzureFunctionsJobHost__extensions__queues__maxDequeueCount: '1' },
    });
    await work.sendMessage('{"hang":true}');
    await receivedBy(fixture, 1);
    await fixture.host.kill();
    await firstPoison();
    expect(received(fixture.lines)).toHaveLength(1);
  });

  test('a renewed worker finishes what it does; the next message goes to a new process', async () => {
    await work.create();
    const fixture = await start();
    await work.sendMessage('{"ms":700}');
    const [first] = await receivedBy(fixture, 1);
    await fixture.host.renew();
    expect(fixture.lines.some((line) => line.includes("Executed 'work' (Succeeded"))).toBe(true);
    await work.sendMessage('{}');
    const [, second] = await receivedBy(fixture, 2);
    expect(second).toMatchObject({ dequeueCount: 1 });
    expect(second?.pid).not.toBe(first?.pid);
  });

  test('closing finishes the invocations that run', async () => {
    await work.create();
    const fixture = await start();
    await work.sendMessage('{"ms":700}');
    await receivedBy(fixture, 1);
    await fixture.host.close();
    expect(fixture.lines.some((line) => line.includes("Executed 'work' (Succeeded"))).toBe(true);
    await emptied(work);
  });
});
