import type { Connection } from '../connections/connection.ts';
import { RowConflict } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { leaseRemaining } from './lane.ts';
import { operations, settleStale } from './settle.ts';
import { recordKey, WAITING_ROWS, type WaitingMail, waitingOf } from './waiting.ts';

/** Whose lane ended. */
export type FormerOwner = Pick<Connection, 'customerId' | 'connectionId'> & Partial<Pick<Connection, 'alertAddress'>>;

/**
 * Cancels everything that waits behind the gate `removed`, and deletes the content that was kept of ended mail. Nobody
 * claims there any more, so each mail is ended on the ETag of its row; may be repeated, and run by many at once.
 * @returns whether a mail is left: it is being sent, and its holder needs its rows for the outcome
 */
export async function cancelAll(deps: MailDeps, owner: FormerOwner): Promise<boolean> {
  let left = false;
  let after: string | undefined;
  do {
    const page = await deps.mails.query(owner.connectionId, { ...WAITING_ROWS, limit: 100, ...(after && { after }) });
    for (const row of page.rows) {
      const parked = row.properties['parked'] === true;
      if (!(await end(deps, owner, waitingOf(row), parked))) left = true;
    }
    after = page.next;
  } while (after !== undefined);
  return left;
}

/** @returns false when the mail has to be looked at again: it is being sent, or somebody touched it this very moment */
async function end(deps: MailDeps, owner: FormerOwner, mail: WaitingMail, parked: boolean): Promise<boolean> {
  let current: WaitingMail | undefined = mail;
  if (!parked) current = mail.claimedBy === 0 ? await cancel(deps, mail) : await settleDead(deps, owner, mail);
  if (!current) return false;
  if (current.blob) await deps.blobs.remove(current.blob.container, current.blob.name);
  const { rowKey, etag } = current;
  // On its ETag: a person may have had the ended mail wait again a moment ago.
  const gone = await unlessTouched(mail, () => deps.mails.write(mail.connectionId, [{ kind: 'delete', rowKey, etag }]));
  return gone !== undefined;
}

/** @returns the mail with its new ETag; undefined when somebody touched it */
async function cancel(deps: MailDeps, mail: WaitingMail): Promise<WaitingMail | undefined> {
  const endedAt = deps.clock.now().toISOString();
  const record = { state: 'cancelled', reason: 'connection_removed', endedAt };
  return unlessTouched(mail, () =>
    deps.mails.write(mail.connectionId, [
      { kind: 'merge', rowKey: mail.rowKey, properties: { parked: true, parkedAt: endedAt }, etag: mail.etag },
      { kind: 'merge', rowKey: recordKey(mail.hash), properties: record },
    ]),
  );
}

/**
 * A claim whose lease ran out: nobody takes a removed lane any more, so the stale claim is settled here.
 * @returns undefined when its holder lives, or touched the mail this very moment
 */
async function settleDead(deps: MailDeps, owner: FormerOwner, mail: WaitingMail): Promise<WaitingMail | undefined> {
  const { lane, readAt } = await deps.lanes.get(owner.connectionId);
  if (lane && leaseRemaining(lane, readAt, deps.config.laneLeaseSeconds * 1000) > 0) return undefined;
  const connection = { alertAddress: '', ...owner, onUncertain: 'hold' } as const;
  const settlement = settleStale(
    { ...mail, onUncertain: 'hold' },
    { connection, acceptedEvents: false, now: deps.clock.now() },
  );
  const settled = await unlessTouched(mail, () =>
    deps.mails.write(mail.connectionId, operations(mail, settlement, { waiting: mail.etag })),
  );
  await deps.outbox.flush(mail.connectionId);
  return settled;
}

/** The mail with the ETag that `write` gave its waiting row; undefined when a row was not as it was read. */
async function unlessTouched(
  mail: WaitingMail,
  write: () => Promise<ReadonlyMap<string, string>>,
): Promise<WaitingMail | undefined> {
  try {
    return { ...mail, etag: (await write()).get(mail.rowKey) ?? '' };
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    // A row that is gone is what was wanted. A record that is gone has nobody who would miss it.
    return error.why === 'missing' ? mail : undefined;
  }
}
