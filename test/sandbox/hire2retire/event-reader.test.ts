import type { QueueClient } from '@azure/storage-queue';
import { expect, test } from 'vitest';
import { type OutlookEvent, readEvents } from '../../../sandbox/hire2retire/event-reader.ts';
import { EventLog } from '../../../sandbox/hire2retire/events-page.ts';

const event = (id: string): OutlookEvent => ({
  id,
  type: 'mail.rejected',
  time: '',
  subject: 's',
  data: { customerId: 'acme' },
});

/** A queue that hands over what was not deleted yet. */
function queueOf(...events: readonly OutlookEvent[]) {
  const waiting = new Map(events.map((each, index) => [String(index), each]));
  const queue = {
    receiveMessages: async () => ({
      receivedMessageItems: [...waiting].map(([messageId, each]) => ({
        messageId,
        popReceipt: 'p',
        messageText: JSON.stringify(each),
      })),
    }),
    deleteMessage: async (messageId: string) => void waiting.delete(messageId),
  } as unknown as QueueClient;
  return { queue, waiting };
}

test('an event is deleted after it was acted on, and not when that failed', async () => {
  const { queue, waiting } = queueOf(event('a'), event('b'));
  const acted: string[] = [];
  const act = async ({ id }: OutlookEvent) => {
    if (id === 'b') throw new Error('the database is down');
    acted.push(id);
  };
  await expect(readEvents(queue, act)).rejects.toThrow('the database is down');
  expect(acted).toEqual(['a']);
  expect([...waiting.values()].map(({ id }) => id)).toEqual(['b']);
});

test('an event that comes twice is acted on once', async () => {
  const { queue } = queueOf(event('a'), event('a'), event('b'));
  const log = new EventLog(async () => queue);
  await log.read();
  expect(log.events.map(({ id }) => id)).toEqual(['b', 'a']);
});
