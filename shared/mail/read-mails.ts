import { AppError } from '../errors.ts';
import { CALLER_ID, sha256 } from '../ids.ts';
import { odataText } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { type MailRecord, type MailResource, mailResource, recordOf } from './record.ts';
import { recordKey } from './waiting.ts';

/** States that a list can be narrowed to. */
export const LISTED_STATES = [
  'queued',
  'waiting',
  'held',
  'sending',
  'accepted',
  'rejected',
  'uncertain',
  'expired',
  'cancelled',
  'dead',
] as const;
export type ListedState = (typeof LISTED_STATES)[number];

/** A record as the API shows it: mail that waits behind a shut gate is held. */
export async function readMail(deps: MailDeps, record: MailRecord): Promise<MailResource> {
  const { lane } = await deps.lanes.get(record.connectionId);
  return mailResource(record, lane?.gate ?? 'open');
}

/** @throws {AppError} not_found */
export async function getMail(deps: MailDeps, connectionId: string, mailId: string): Promise<MailResource> {
  const { row } = CALLER_ID.test(mailId) ? await deps.mails.get(connectionId, recordKey(sha256(mailId))) : {};
  if (!row) throw new AppError('not_found');
  return readMail(deps, recordOf(row));
}

export async function listMails(
  deps: MailDeps,
  connectionId: string,
  state: ListedState | undefined,
  limit: number,
  after?: string,
) {
  const { lane } = await deps.lanes.get(connectionId);
  const gate = lane?.gate ?? 'open';
  const filter = stateFilter(state, gate === 'open');
  if (filter === 'none') return { items: [] };
  const page = await deps.mails.query(connectionId, {
    from: '1|',
    to: '1~',
    limit,
    ...(filter && { filter }),
    ...(after && { after }),
  });
  const items = page.rows.map((row) => mailResource(recordOf(row), gate));
  return { items, ...(page.next && { next: page.next }) };
}

/** Behind a shut gate, `held` is what `queued` and `waiting` are with an open one. */
function stateFilter(state: ListedState | undefined, open: boolean): string | 'none' | undefined {
  if (state === undefined) return undefined;
  if (state === 'held') return open ? 'none' : "state eq 'queued' or state eq 'waiting'";
  if ((state === 'queued' || state === 'waiting') && !open) return 'none';
  return `state eq ${odataText(state)}`;
}
