import { sha256 } from '../ids.ts';
import type { MailDeps } from './deps.ts';
import { type MailRecord, recordOf } from './record.ts';
import { recordKey } from './waiting.ts';

/**
 * The record of a mail that was taken in under this id with this content. A message that comes again may not pass the
 * checks any more (its times are over, its blob served its purpose) and is still the same mail.
 */
export async function findTakenIn(
  deps: MailDeps,
  connectionId: string,
  mailId: string,
  contentHash: string,
): Promise<MailRecord | undefined> {
  const { row } = await deps.mails.get(connectionId, recordKey(sha256(mailId)));
  const record = row && recordOf(row);
  return record && !record.refusedAtIntake && record.contentHash === contentHash ? record : undefined;
}
