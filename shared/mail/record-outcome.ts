import { SECOND } from '../clock.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import { RowConflict, type RowOperation } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { recordOf } from './record.ts';
import { operations, type Settlement } from './settle.ts';
import { leaveTicket } from './tickets.ts';
import { recordKey, type WaitingMail } from './waiting.ts';

/** A mail whose attempt ended, with the ETag that its record got at the claim. */
export interface Ended {
  readonly mail: WaitingMail;
  readonly settlement: Settlement;
  readonly recordEtag: string;
  readonly clientRequestId: string;
}

/**
 * `written`: as it stands, with its event · `settled`: by an earlier try, as late evidence, or by somebody else ·
 * `waits_again`: it had been called uncertain, and late evidence says that it is to be sent.
 */
export type Recorded = 'written' | 'settled' | 'waits_again';

/**
 * Writes an outcome, whatever happened to the rows meanwhile. Storage not answering is waited out for `patienceMs`:
 * without the write, a mail that was sent would look uncertain.
 * @param write the transaction, given the outcome's operations; throws RowConflict naming the mail's rows
 */
export async function recordOutcome(
  deps: MailDeps,
  ended: Ended,
  patienceMs: number,
  write: (outcome: readonly RowOperation[]) => Promise<unknown>,
): Promise<Recorded> {
  const { mail, settlement, recordEtag } = ended;
  const giveUpAt = deps.clock.monotonic() + patienceMs;
  let conflict = false;
  for (let pause = SECOND / 2; ; pause = Math.min(5 * SECOND, pause * 2)) {
    try {
      if (conflict) return await recordLate(deps, ended);
      await write(operations(mail, settlement, { record: recordEtag }));
      return 'written';
    } catch (error) {
      if (error instanceof RowConflict) {
        conflict = true;
        continue;
      }
      if (!(error instanceof StoreUnavailable) || deps.clock.monotonic() > giveUpAt) throw error;
      await deps.clock.sleep(pause);
    }
  }
}

/**
 * A row changed since the claim. Either an earlier try of ours was written after all, or a newer epoch declared the mail
 * uncertain: then this is late evidence, and overwrites it. Or the record still says `sending`: then another row was in
 * the way (the event is noted already, the content is gone), and the record must not stay behind.
 */
async function recordLate(deps: MailDeps, { mail, settlement, clientRequestId }: Ended): Promise<Recorded> {
  for (;;) {
    const { row } = await deps.mails.get(mail.connectionId, recordKey(mail.hash));
    const record = row && recordOf(row);
    // Written already, settled by a person, or sent once more: the record speaks of something later than this attempt.
    const open = record?.state === 'uncertain' || record?.state === 'sending';
    if (!open || record.clientRequestId !== clientRequestId) return 'settled';
    const [, waiting] = operations(mail, settlement, { record: record.etag });
    const isLate = record.state === 'uncertain';
    const waits = settlement.record['state'] === 'waiting';
    const waitsAgain = isLate && waits;
    // Our message may be another's by now: killed after the write, nobody but this ticket would come for the mail.
    if (waitsAgain) await leaveTicket(deps.queues, record, deps.config.laneLeaseSeconds * SECOND);
    const late = {
      kind: 'merge',
      rowKey: record.rowKey,
      properties: { ...settlement.record, ...(isLate && { late: true }) },
      etag: record.etag,
    } as const;
    try {
      await deps.mails.write(mail.connectionId, waiting ? [late, waiting] : [late]);
      return waitsAgain ? 'waits_again' : 'settled';
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
      if (error.rowKey !== mail.rowKey) continue;
      // The parked content is gone: after a week, or with its connection. Then nothing is left that could wait.
      if (await written(deps, mail, waits ? endedWithConnection(deps, late) : late)) return 'settled';
    }
  }
}

/** @returns false when the record was changed meanwhile */
async function written(deps: MailDeps, mail: WaitingMail, record: RowOperation): Promise<boolean> {
  try {
    await deps.mails.write(mail.connectionId, [record]);
    return true;
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    return false;
  }
}

/** It was not sent, as is known by now, and it will not be: only an unlink deletes content within the time of a lease. */
function endedWithConnection(deps: MailDeps, late: RowOperation & { kind: 'merge' }): RowOperation {
  const end = { state: 'cancelled', reason: 'connection_removed', endedAt: deps.clock.now().toISOString() };
  return { ...late, properties: { ...late.properties, ...end } };
}
