import { randomUUID } from 'node:crypto';
import type { Connection } from '../connections/connection.ts';
import { AppError, type FieldError } from '../errors.ts';
import type { Invocation } from '../log.ts';
import { readContentBlob } from './content-blob.ts';
import type { MailDeps } from './deps.ts';
import { findTakenIn } from './find-taken-in.ts';
import { insertMail } from './insert-mail.ts';
import type { Mail } from './message.ts';
import { contentHashOf, prepareMail } from './prepare.ts';
import { type MailRecord, recordOf } from './record.ts';
import { leaveTicket } from './tickets.ts';
import { recordKey } from './waiting.ts';

/**
 * Takes a mail over HTTP. Answers only when the mail is stored and somebody is on the way to send it; called again with
 * the same id and content, it makes sure of both and changes nothing.
 * @throws {AppError} invalid_request, id_reused
 */
export async function submitMail(
  deps: MailDeps,
  connection: Connection,
  request: Mail,
  invocation: Invocation,
): Promise<{ readonly record: MailRecord; readonly created: boolean }> {
  const read =
    request.contentBlob === undefined ? undefined : await readContentBlob(deps, connection, request.contentBlob);
  const blob = read && 'pointer' in read ? undefined : read;
  const mailId = request.mailId ?? randomUUID();
  const prepared =
    read && 'pointer' in read
      ? { errors: [read] }
      : prepareMail(request, mailId, blob?.content, 'http', deps.clock.now(), deps.config.recipientsPerDay);
  const { connectionId, customerId } = connection;
  if ('errors' in prepared) {
    const known = await findTakenIn(deps, connectionId, mailId, contentHashOf(request));
    if (!known) throw invalid(prepared.errors);
    if (known.state === 'queued') await leaveTicket(deps.queues, connection);
    return { record: known, created: false };
  }
  const insertion = await insertMail(deps, connection, prepared.mail, blob);
  if (insertion.kind === 'id_reused') throw new AppError('id_reused');
  const created = insertion.kind === 'inserted';
  // A mail that is known may have lost its ticket: the first call died between the two.
  if (created || insertion.record.state === 'queued') await leaveTicket(deps.queues, connection);
  invocation.log.event('mail.submitted', { connectionId, customerId, mailId, created });
  if (!created) return { record: insertion.record, created };
  const { row } = await deps.mails.get(connectionId, recordKey(insertion.own.mail.hash));
  if (!row) throw new AppError('internal_error');
  return { record: recordOf(row), created };
}

function invalid(errors: readonly FieldError[]): AppError {
  return new AppError('invalid_request', { detail: errors[0]?.detail ?? 'The mail is invalid.', errors });
}
