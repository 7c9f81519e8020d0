import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { TableClient } from '@azure/data-tables';
import { QueueClient } from '@azure/storage-queue';
import { TABLES } from '../../shared/storage-names.ts';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { linkMailbox } from '../flow/support/link.ts';
import { CUSTOMER, connectionPath } from '../flow/support/mails.ts';

/**
 * Many lanes share a steady trickle of mail while a burst hits one more lane. Compares how long the others' mail takes
 * once the burst was taken in: while its lane is paused, and while it is being worked off. Azurite looks through all rows
 * of a table for each request, so a table with the burst's ten thousand rows is slower for everybody, whoever sends; how
 * long mail took before there were any is told beside it.
 */
const { values } = parseArgs({
  options: {
    lanes: { type: 'string', default: '200' },
    burst: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '15' },
  },
});
const [lanes, burst, seconds] = [Number(values.lanes), Number(values.burst), Number(values.seconds)];
const PER_SECOND = 20;

const flow = await startFlow({
  extraMailboxes: lanes + 1,
  graphLatencyMs: 150,
  environment: { MAIL_PER_MINUTE: '0', MAIL_RECIPIENTS_PER_DAY: '1000000' },
});
try {
  const connectionIds: string[] = [];
  for (let n = 1; n <= lanes + 1; n += 1) connectionIds.push(await linkMailbox(flow, `sender-${n}@acme.example`));
  const busy = connectionIds.pop() ?? '';
  console.error(`${lanes} lanes linked`);
  await trickle(flow, connectionIds, 'warm-up', lanes / PER_SECOND);
  const before = await trickle(flow, connectionIds, 'before', seconds);
  console.error(`before: median ${before} ms`);
  const switchBusy = (to: 'pause' | 'resume') => flow.api.expect(200, 'POST', `${connectionPath(busy)}/${to}`);
  await switchBusy('pause');
  const queue = mailQueue(flow);
  for (let n = 0; n < burst; n += 50) {
    await Promise.all(Array.from({ length: Math.min(50, burst - n) }, (_, i) => put(queue, busy, `burst-${n + i}`)));
  }
  while (((await queue.getProperties()).approximateMessagesCount ?? 0) > 0) await sleep(200);
  const waiting = await unsent(flow, busy);
  console.error(`burst taken in, ${waiting} of its mails wait`);
  const held = await trickle(flow, connectionIds, 'held', seconds);
  console.error(`its lane paused: median ${held} ms`);
  await switchBusy('resume');
  const during = await trickle(flow, connectionIds, 'during', seconds);
  const left = await unsent(flow, busy);
  console.error(`during: median ${during} ms, ${left} mails of the burst still wait`);
  console.log(
    JSON.stringify({ lanes, burst, beforeMs: before, heldMs: held, duringMs: during, ratio: during / held, left }),
  );
} finally {
  await flow.close();
}

function mailQueue({ sandbox }: Flow): QueueClient {
  return new QueueClient(sandbox.storage.connectionString, sandbox.info.mailQueue);
}

async function put(queue: QueueClient, connectionId: string, mailId: string): Promise<void> {
  const message = {
    version: 1,
    mailId,
    customerId: CUSTOMER,
    connectionId,
    to: ['ada@example.com'],
    subject: mailId,
    body: { contentType: 'text', content: 'x' },
  };
  await queue.sendMessage(JSON.stringify(message), { messageTimeToLive: -1 });
}

/** Sends at a steady pace, each mail to the next lane. Returns the median time from queue to accepted, in ms. */
async function trickle(
  flow: Flow,
  connectionIds: readonly string[],
  name: string,
  forSeconds: number,
): Promise<number> {
  const queue = mailQueue(flow);
  const putAt = new Map<string, { at: number; connectionId: string }>();
  const total = Math.ceil(PER_SECOND * forSeconds);
  const started = Date.now();
  for (let n = 0; n < total; n += 1) {
    const connectionId = connectionIds[n % connectionIds.length] ?? '';
    const ahead = started + (n * 1000) / PER_SECOND - Date.now();
    if (ahead > 0) await sleep(ahead);
    putAt.set(`${name}-${n}`, { at: Date.now(), connectionId });
    await put(queue, connectionId, `${name}-${n}`);
  }
  const took: number[] = [];
  for (const [mailId, { at, connectionId }] of putAt) {
    const mail = await flow.mails.reaches(connectionId, mailId, 'accepted', 60);
    took.push(Date.parse(mail.acceptedAt ?? '') - at);
  }
  took.sort((a, b) => a - b);
  return took[Math.floor(took.length / 2)] ?? Number.NaN;
}

async function unsent({ sandbox }: Flow, connectionId: string): Promise<number> {
  const table = TableClient.fromConnectionString(sandbox.storage.connectionString, TABLES.mails, {
    allowInsecureConnection: true,
  });
  const filter = `PartitionKey eq '${connectionId}' and RowKey ge '2|' and RowKey lt '2~'`;
  let count = 0;
  for await (const _ of table.listEntities({ queryOptions: { filter, select: ['RowKey'] } })) count += 1;
  return count;
}
