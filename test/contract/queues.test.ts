import { randomUUID } from 'node:crypto';
import type { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Storage } from '../../sandbox/storage/azurite.ts';
import { AzureQueues } from '../../shared/azure/queues.ts';
import { type Queues, StoreUnavailable } from '../../shared/storage/ports.ts';
import { FakeQueues } from '../fakes/stores.ts';
import { startAzurite } from './storage.ts';

interface Subject {
  readonly queues: Queues;
  /** Texts that a reader gets now. */
  readonly visible: (queue: string) => Promise<string[]>;
}

const fakeQueues = new FakeQueues();
const fake: Subject = {
  queues: fakeQueues,
  visible: async (queue) =>
    fakeQueues
      .of(queue)
      .filter(({ visibleInSeconds }) => visibleInSeconds === 0)
      .map(({ text }) => text),
};
let service: QueueServiceClient;
let azure: Subject;
let storage: Storage;

beforeAll(async () => {
  const started = await startAzurite();
  storage = started.storage;
  service = started.clients.queues;
  azure = { queues: new AzureQueues(service), visible: receive };
});
afterAll(() => storage.close());

async function receive(queue: string): Promise<string[]> {
  const { receivedMessageItems } = await service.getQueueClient(queue).receiveMessages({ numberOfMessages: 32 });
  return receivedMessageItems.map(({ messageText }) => messageText);
}

async function newQueue(): Promise<string> {
  const name = `q-${randomUUID()}`;
  await service.getQueueClient(name).create();
  return name;
}

describe.each([
  ['the fake', () => fake],
  ['Azurite', () => azure],
])('a queue (%s)', (_name, subject) => {
  test('delivers text as it was sent, neither encoded nor cut', async () => {
    const queue = await newQueue();
    const texts = ['{"a":"<b>&amp;\\"\'"}', 'Grüße 👋 世界\n\ttab', `  ${'x'.repeat(60_000)}  `];
    for (const text of texts) await subject().queues.send(queue, text);
    expect((await subject().visible(queue)).sort()).toEqual([...texts].sort());
  });

  test('hides a message for the seconds it is told, fractions included, and counts it all the same', async () => {
    const queue = await newQueue();
    await subject().queues.send(queue, 'later', 3_600);
    await subject().queues.send(queue, 'soon', 0.2);
    await subject().queues.send(queue, 'now', 0);
    expect(await subject().visible(queue)).toEqual(['now']);
    expect(await subject().queues.depth(queue)).toBe(3);
  });

  test('hides a message for 7 days at the longest, also when it is told more', async () => {
    const queue = await newQueue();
    await subject().queues.send(queue, 'far', 400 * 24 * 3_600);
    expect(await subject().visible(queue)).toEqual([]);
    expect(await subject().queues.depth(queue)).toBe(1);
  });
});

describe.each([
  ['the fake', () => fake],
  ['Azurite', () => azure],
])('the oldest message of a queue (%s)', (_name, subject) => {
  test('is the first of those that can be seen, and looking takes nothing', async () => {
    const queue = await newQueue();
    const { queues, visible } = subject();
    expect(await queues.oldest(queue)).toBeUndefined();
    await queues.send(queue, 'hidden', 3_600);
    expect(await queues.oldest(queue)).toBeUndefined();
    const before = Math.floor(Date.now() / 1000) * 1000;
    await queues.send(queue, 'first');
    const oldest = await queues.oldest(queue);
    await queues.send(queue, 'second');
    expect(await queues.oldest(queue)).toEqual(oldest);
    expect(oldest?.getTime()).toBeGreaterThanOrEqual(before);
    expect((await visible(queue)).sort()).toEqual(['first', 'second']);
  });
});

describe.each([
  ['the fake', () => fake],
  ['Azurite', () => azure],
])('receiving from a queue (%s)', (_name, subject) => {
  test('gives each message to one reader, tells how often, and deletes what was worked off', async () => {
    const queue = await newQueue();
    const { queues } = subject();
    expect(await queues.receive(queue, 60)).toEqual([]);
    await queues.send(queue, 'hidden', 3_600);
    await queues.send(queue, 'Grüße <&>');
    const [message, ...others] = await queues.receive(queue, 60);
    expect(message).toMatchObject({ text: 'Grüße <&>', dequeueCount: 1 });
    expect(others).toEqual([]);
    expect(await queues.receive(queue, 60)).toEqual([]);
    if (message) await queues.remove(queue, message);
    expect(await queues.depth(queue)).toBe(1);
    if (message) await queues.remove(queue, message);
  });
});

test('what another reader received since is left to them', async () => {
  const queue = await newQueue();
  await azure.queues.send(queue, 'x');
  const [mine] = await azure.queues.receive(queue, 1);
  const theirs = await until(async () => (await azure.queues.receive(queue, 60))[0]);
  expect(theirs.dequeueCount).toBe(2);
  if (mine) await azure.queues.remove(queue, mine);
  expect(await azure.queues.depth(queue)).toBe(1);
});

test('carriage returns arrive as they were sent, and text that only looks like one too', async () => {
  const queue = await newQueue();
  const texts = ['{\r\n  "a": 1\r\n}', '{"a":"&#xD;"}'];
  for (const text of texts) await azure.queues.send(queue, text);
  expect((await azure.queues.receive(queue, 60)).map(({ text }) => text).sort()).toEqual([...texts].sort());
});

test('messages on Azure never expire', async () => {
  const queue = await newQueue();
  await azure.queues.send(queue, 'kept', 1);
  const [message] = (await service.getQueueClient(queue).peekMessages()).peekedMessageItems;
  const sent = message ?? (await until(() => peek(queue)));
  expect(sent.expiresOn.getFullYear()).toBeGreaterThan(2_100);
});

async function peek(queue: string) {
  return (await service.getQueueClient(queue).peekMessages()).peekedMessageItems[0];
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 50; tries += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('waited in vain');
}

test('a queue that cannot be reached is reported as unavailable', async () => {
  await expect(azure.queues.send('missing-queue', 'x')).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(azure.queues.oldest('missing-queue')).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(azure.queues.receive('missing-queue', 60)).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(azure.queues.depth('missing-queue')).rejects.toBeInstanceOf(StoreUnavailable);
});
