import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { QueueClient } from '@azure/storage-queue';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { linkMailbox } from '../flow/support/link.ts';
import { CUSTOMER } from '../flow/support/mails.ts';
import { type ChaosOptions, randomFrom } from './options.ts';
import { type ChaosResult, judgeRemains, readRemains } from './recount.ts';
import { makeTrouble } from './trouble.ts';

/** Redelivery and lease in seconds: the 40 s and 100 s of the lanes scale with the lease. */
const SECONDS = 5;

/**
 * Sends mails over many mailboxes while workers are killed and everything around them fails, then waits for quiet and
 * counts again from storage and Graph's log.
 */
export async function runChaos(
  options: ChaosOptions,
  say: (line: string) => void,
): Promise<{ readonly result: ChaosResult; readonly clean: boolean; readonly wrong: readonly string[] }> {
  const random = randomFrom(options.seed);
  const flow = await startFlow({
    workers: options.workers,
    redeliverySeconds: SECONDS,
    extraMailboxes: options.mailboxes,
    environment: { LANE_LEASE_SECONDS: String(SECONDS), MAIL_PER_MINUTE: '0', MAIL_RECIPIENTS_PER_DAY: '1000000' },
  });
  try {
    const connectionIds: string[] = [];
    for (let n = 1; n <= options.mailboxes; n += 1) {
      connectionIds.push(await linkMailbox(flow, `sender-${n}@acme.example`));
    }
    say(`${connectionIds.length} mailboxes linked`);
    const trouble = makeTrouble(flow.sandbox, random, options.kills);
    const mailIds = await feed(flow, connectionIds, options.mails, random);
    say(`${mailIds.length} mails queued`);
    await until(() => trouble.kills() >= options.kills, 120_000);
    await trouble.end();
    say(`trouble ended after ${trouble.kills()} kills`);
    await quiet(flow, mailIds.length, say);
    const remains = await readRemains(flow.sandbox);
    if (options.logFile) await writeFile(options.logFile, flow.sandbox.logs.join('\n'));
    const { result, wrong } = judgeRemains(mailIds, remains, trouble.kills());
    const clean = wrong.length === 0 && remains.heldLanes === 0 && remains.queued === 0 && result.held === 0;
    const left = clean ? [] : [`${remains.queued} messages on the queues, ${remains.heldLanes} lanes held`];
    return { result, clean, wrong: [...wrong, ...left] };
  } finally {
    await flow.close();
  }
}

/** Puts the mails on the queue over a few seconds, one in ten of them twice. */
async function feed(
  flow: Flow,
  connectionIds: readonly string[],
  mails: number,
  random: () => number,
): Promise<string[]> {
  const queue = new QueueClient(flow.sandbox.storage.connectionString, flow.sandbox.info.mailQueue);
  const mailIds: string[] = [];
  for (let n = 0; n < mails; n += 1) {
    const mailId = `chaos-${n}`;
    mailIds.push(mailId);
    const text = JSON.stringify({
      version: 1,
      mailId,
      customerId: CUSTOMER,
      connectionId: connectionIds[Math.floor(random() * connectionIds.length)],
      to: ['ada@example.com'],
      subject: `Mail ${n}`,
      body: { contentType: 'text', content: 'x' },
    });
    await queue.sendMessage(text, { messageTimeToLive: -1 });
    if (random() < 0.1) await queue.sendMessage(text, { messageTimeToLive: -1 });
  }
  return mailIds;
}

/** Waits until nothing moves any more: queues empty, no mail unfinished, no lane held. */
async function quiet(flow: Flow, mails: number, say: (line: string) => void): Promise<void> {
  const deadline = Date.now() + 240_000;
  for (let last = ''; Date.now() < deadline; ) {
    const { records, queued, heldLanes } = await readRemains(flow.sandbox);
    const unfinished =
      mails - [...records.values()].filter(({ state }) => !['queued', 'waiting', 'sending'].includes(state)).length;
    if (unfinished === 0 && queued === 0 && heldLanes === 0) return;
    const now = `${unfinished} unfinished, ${queued} messages, ${heldLanes} lanes held`;
    if (now !== last) say(now);
    last = now;
    await sleep(1_000);
  }
}

async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!condition() && Date.now() < deadline) await sleep(100);
}
