import { AppError } from '../errors.ts';
import { CALLER_ID, sha256 } from '../ids.ts';
import { odataText } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { type LaneView, type MailRecord, type MailResource, mailResource, recordOf, whyNothingGoes } from './record.ts';
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

/** What the lane of a connection says of its mail now; a connection without one says nothing. */
export async function viewLane(deps: MailDeps, connectionId: string): Promise<LaneView> {
  const { lane } = await deps.lanes.get(connectionId);
  return {
    gate: lane?.gate ?? 'open',
    pausedUntil: lane?.pausedUntil ?? '',
    pausedFor: lane?.pausedFor ?? '',
    stopped: await deps.cache.stopped(),
  };
}

/** A record as the API shows it, with what the mail waits for. */
export async function readMail(deps: MailDeps, record: MailRecord): Promise<MailResource> {
  return mailResource(record, await viewLane(deps, record.connectionId), deps.clock.now());
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
  const lane = await viewLane(deps, connectionId);
  const now = deps.clock.now();
  const filter = stateFilter(state, lane, now.toISOString());
  if (filter === 'none') return { items: [] };
  const page = await deps.mails.query(connectionId, {
    from: '1|',
    to: '1~',
    limit,
    ...(filter && { filter }),
    ...(after && { after }),
  });
  const items = page.rows.map((row) => mailResource(recordOf(row), lane, now));
  return { items, ...(page.next && { next: page.next }) };
}

const BOTH = "state eq 'queued' or state eq 'waiting'";

/** The stored states behind a shown one: the counterpart of what `mailResource` shows. */
function stateFilter(state: ListedState | undefined, lane: LaneView, now: string): string | 'none' | undefined {
  if (state === undefined) return undefined;
  const shut = lane.gate !== 'open';
  const nothingGoes = whyNothingGoes(lane, now) !== undefined;
  if (state === 'held') return shut ? BOTH : 'none';
  if (state === 'queued') return shut || nothingGoes ? 'none' : `state eq 'queued' and dueAt le '${now}'`;
  if (state !== 'waiting') return `state eq ${odataText(state)}`;
  if (shut) return 'none';
  return nothingGoes ? BOTH : `state eq 'waiting' or (state eq 'queued' and dueAt gt '${now}')`;
}
