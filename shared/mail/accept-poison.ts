import { MINUTE } from '../clock.ts';
import { sha256 } from '../ids.ts';
import type { Invocation } from '../log.ts';
import type { ReceivedMessage } from '../storage/ports.ts';
import { RowConflict } from '../storage/table.ts';
import { CONTAINERS, POISON_QUEUES } from '../storage-names.ts';
import { decodeBody, ownerOf } from './accept-message.ts';
import type { MailDeps } from './deps.ts';
import { eventRow } from './events.ts';
import { isWaiting, type MailRecord, recordOf } from './record.ts';
import { leaveTicket, ticketSchema } from './tickets.ts';
import { recordKey } from './waiting.ts';

/** How long a lane rests after a ticket for it failed again and again. */
const REST_MS = 10 * MINUTE;
/** A message that cannot be worked off now is looked at again after this. */
const HIDDEN_SECONDS = 4 * 60;
/** As many deliveries as the host makes of a message before it calls it poison. */
const MOST_DELIVERIES = 15;
/** The host ends an execution after ten minutes. What was not reached waits for the next run. */
const BUDGET_MS = 4 * MINUTE;

/**
 * Works off the poison queues of mail and tickets. It reads them itself: the host makes no poison queue for a poison
 * queue, so a message that no trigger gets through the Functions library, for example JSON nested ten thousand deep,
 * would stay there until it expires. A message that was worked off and could not be deleted is worked off again.
 */
export async function readPoison(deps: MailDeps, invocation: Invocation): Promise<void> {
  const [mail, tickets] = POISON_QUEUES;
  const started = deps.clock.monotonic();
  const workOff = async (queue: string, accept: (message: ReceivedMessage) => Promise<void>) => {
    while (deps.clock.monotonic() - started < BUDGET_MS) {
      const messages = await deps.queues.receive(queue, HIDDEN_SECONDS);
      if (messages.length === 0) return;
      for (const message of messages) {
        try {
          await accept(message);
          await deps.queues.remove(queue, message);
        } catch (error) {
          invocation.log.failure('poison.failed', error, { queue, messageId: message.messageId });
        }
      }
    }
  };
  await workOff(mail, async (message) => {
    const { messageId, text } = message;
    if (message.dequeueCount > MOST_DELIVERIES) return putAside(deps, messageId, text);
    await acceptPoisonMail(deps, { messageId, body: text }, invocation);
  });
  await workOff(tickets, ({ text }) => acceptPoisonTicket(deps, text, invocation));
}

/**
 * A message of `outlook-mail` that failed 15 times. Its record decides: what ended, is being sent or is uncertain stays;
 * what still waits becomes `dead`. The lane gets a ticket either way, for the other mail that counted on this message.
 */
export async function acceptPoisonMail(
  deps: MailDeps,
  message: { readonly messageId: string; readonly body: string },
  invocation: Invocation,
): Promise<void> {
  const decoded = decodeBody(message.body);
  const owner = ownerOf(decoded);
  const { mailId } = (decoded ?? {}) as { mailId?: unknown };
  const record = owner && typeof mailId === 'string' ? await findRecord(deps, owner.connectionId, mailId) : undefined;
  if (record && isWaiting(record)) await declareDead(deps, record, invocation);
  if (!record) {
    // Never taken in, or known under the id of a message that is gone: the lane's ticket sends what was taken in.
    await putAside(deps, message.messageId, message.body);
  }
  invocation.log.warning('mail.poisoned', {
    ...owner,
    state: record?.state ?? 'unknown',
    messageId: message.messageId,
  });
  if (owner && (await deps.cache.get(owner.customerId, owner.connectionId)))
    await leaveTicket(deps.queues, owner, REST_MS);
}

/** A ticket that failed 15 times: the lane rests, then somebody looks again. */
export async function acceptPoisonTicket(deps: MailDeps, body: string, invocation: Invocation): Promise<void> {
  const ticket = ticketSchema.safeParse(decodeBody(body));
  invocation.log.warning('ticket.poisoned', ticket.success ? { connectionId: ticket.data.connectionId } : {});
  if (ticket.success) await leaveTicket(deps.queues, ticket.data, REST_MS);
}

async function putAside(deps: MailDeps, messageId: string, text: string): Promise<void> {
  await deps.blobs.put(CONTAINERS.rejected, messageId, Buffer.from(text), { reason: 'poisoned' });
}

async function findRecord(deps: MailDeps, connectionId: string, mailId: string): Promise<MailRecord | undefined> {
  const { row } = await deps.mails.get(connectionId, recordKey(sha256(mailId)));
  return row && recordOf(row);
}

async function declareDead(deps: MailDeps, record: MailRecord, invocation: Invocation): Promise<void> {
  const now = deps.clock.now();
  const at = now.toISOString();
  const { customerId, connectionId, mailId, waitingKey } = record;
  const data = { customerId, connectionId, mailId, state: 'dead', reason: 'poisoned' };
  try {
    await deps.mails.write(connectionId, [
      {
        kind: 'merge',
        rowKey: record.rowKey,
        properties: { state: 'dead', reason: 'poisoned', endedAt: at },
        etag: record.etag,
      },
      { kind: 'merge', rowKey: waitingKey, properties: { parked: true, parkedAt: at, claimedBy: 0 } },
      // A mail that was retried may die again at the same attempt.
      eventRow(`${sha256(mailId)}|${record.attempts}-dead-${now.getTime()}`, 'mail.dead', data, now),
    ]);
  } catch (error) {
    // Claimed or settled a moment ago: then it is not dead.
    if (!(error instanceof RowConflict)) throw error;
    return;
  }
  invocation.log.warning('mail.dead', { customerId, connectionId, mailId });
  await deps.outbox.flush(connectionId);
}
