import { type MailRecord, recordOf } from '../../shared/mail/record.ts';
import { waitingOf } from '../../shared/mail/waiting.ts';
import { flag, type StoredRow, text } from '../../shared/storage/table.ts';
import { CONTAINERS, QUEUES } from '../../shared/storage-names.ts';
import type { PlannedMail } from './plan.ts';
import type { Violation } from './watch.ts';
import type { World } from './world.ts';

/** Mails that a lane may claim at once, and then per minute. */
const BURST = 10;

/** What must hold when everything has come to its end. */
export function judge(world: World, mails: readonly PlannedMail[]): Violation[] {
  const rows = world.mails.all();
  const records = new Map(
    rows.filter(({ rowKey }) => rowKey.startsWith('1|')).map((row) => [text(row, 'mailId'), recordOf(row)]),
  );
  const told = toldStates(world);
  return [
    ...world.watch.violations,
    ...(world.restless ? [{ kind: 'no_rest', detail: `${world.scheduler.steps} steps` }] : []),
    ...world.host.surprises.map((error) => ({ kind: 'surprise', detail: String(error) })),
    ...(world.microsoft.maxInFlight > 4
      ? [{ kind: 'too_many_in_flight', detail: String(world.microsoft.maxInFlight) }]
      : []),
    ...mails.flatMap((mail) => judgeMail(world, mail, records.get(mail.mailId), told)),
    ...leftOver(rows),
    ...lostContent(world, rows),
    ...unfinishedUnlinks(world, rows),
    ...tooFast(world),
  ];
}

function judgeMail(
  world: World,
  mail: PlannedMail,
  record: MailRecord | undefined,
  told: ReadonlySet<string>,
): Violation[] {
  const { mailId } = mail;
  if (!record && (mail.refusedToCaller || rejectedFor(world, mail))) return [];
  if (!record) return [{ kind: 'lost', mailId, detail: 'no record' }];
  const posts = world.microsoft.posts.filter((post) => post.mailId === mailId);
  const taken = posts.filter((post) => post.taken).length;
  const { state, reason } = record;
  const detail = `${state} ${reason}, taken ${taken}, late ${record.late}`;
  const again = mail.sentAgain + (mail.resend ? 1 : 0);
  const problems: Violation[] = [];
  const expect = (kind: string, holds: boolean) => {
    if (!holds) problems.push({ kind, mailId, detail });
  };
  expect(
    'wrong_mailbox',
    posts.every(({ connectionId }) => connectionId === mail.connectionId),
  );
  expect(
    'wrong_content',
    posts.every(({ rightContent }) => rightContent),
  );
  expect('doubled', taken <= 1 + again);
  switch (state) {
    case 'accepted':
      expect('said_sent_and_was_not', taken >= 1 || mail.settledByHand);
      break;
    case 'rejected':
      expect('rejected_without_cause', (mail.refused || reason.startsWith('expires_')) && taken <= again);
      break;
    case 'expired':
      expect('expired_and_sent', taken <= again);
      expect('expired_without_cause', mail.expires);
      break;
    case 'cancelled':
      expect('cancelled_and_sent', taken <= again);
      break;
    case 'uncertain':
      expect('uncertain_without_cause', hasCause(world));
      break;
    case 'dead':
      expect('dead_and_sent', taken <= again);
      expect('dead_without_cause', mail.cursed);
      break;
    default:
      expect('left', false);
  }
  const tells = state === 'accepted' ? world.scenario.acceptedEvents : state !== 'cancelled';
  if (tells && !record.late && reason !== 'resolved_as_sent') expect('event_lost', told.has(`${mailId} ${state}`));
  if (state === 'accepted' && isExact(world) && !mail.resend && mail.sentAgain === 0)
    expect('attempt_burned', record.attempts === 1);
  return problems;
}

/** Whether the mail's message was kept for an operator, for a reason that this run gave. */
function rejectedFor(world: World, { mailId, connectionId, cursed }: PlannedMail): boolean {
  const removed = isRemoved(world, connectionId);
  return [...world.blobs.kept].some(([name, { content, metadata }]) => {
    if (!name.startsWith(`${CONTAINERS.rejected}/`)) return false;
    const message = JSON.parse(content.toString('utf8')) as { mailId: string };
    if (message.mailId !== mailId) return false;
    return metadata['reason'] === 'poisoned' ? cursed : metadata['reason'] === 'connection_unknown' && removed;
  });
}

/** Whether anything happened in this world after which nobody can know what became of a mail. */
function hasCause(world: World): boolean {
  const { posts } = world.microsoft;
  const ambiguous = posts.some(({ fate }) => fate === 'gatewayTimeout' || fate === 'reset');
  const { table, speed, graph } = world.scenario;
  const cut = graph.slow > 0 && graph.longestMs >= 100_000;
  return ambiguous || cut || world.kills + world.freezes + table.fails + table.lost + speed.verySlow > 0;
}

/** Whether a claim is worth exactly one attempt: nothing dies, and no answer is lost. */
function isExact(world: World): boolean {
  const { table, speed, graph } = world.scenario;
  const unclear = (graph.fates['gatewayTimeout'] ?? 0) + (graph.fates['reset'] ?? 0);
  return world.kills + world.freezes + table.fails + table.lost + speed.verySlow + unclear === 0;
}

function toldStates(world: World): ReadonlySet<string> {
  const events = world.queues.of(QUEUES.events).map(({ text: told }) => JSON.parse(told) as ToldEvent);
  return new Set(events.map(({ data }) => `${data.mailId} ${data.state}`));
}

interface ToldEvent {
  readonly data: { readonly mailId?: string; readonly state?: string };
}

/** Rows that say that somebody still has something to do. */
function leftOver(rows: readonly StoredRow[]): Violation[] {
  return rows.flatMap((row): Violation[] => {
    // Nobody takes an ended lane any more, or lets it go.
    if (row.rowKey === '0' && text(row, 'gate') === 'removed') return [];
    if (row.rowKey === '0' && text(row, 'owner') !== '')
      return [{ kind: 'lane_not_released', detail: `${text(row, 'owner')}, gate ${text(row, 'gate')}` }];
    if (row.rowKey === '0' && flag(row, 'dirty')) return [{ kind: 'lane_left_dirty', detail: row.partitionKey }];
    if (row.rowKey.startsWith('2|') && !flag(row, 'parked'))
      return [{ kind: 'waiting_row_left', mailId: text(row, 'mailId'), detail: row.rowKey.slice(0, 27) }];
    return [];
  });
}

function isRemoved(world: World, connectionId: string): boolean {
  return !world.connections.all().some(({ rowKey }) => rowKey === connectionId);
}

/** A gate that was shut for good, and a connection that is still there. */
function unfinishedUnlinks(world: World, rows: readonly StoredRow[]): Violation[] {
  return rows
    .filter((row) => row.rowKey === '0' && text(row, 'gate') === 'removed' && !isRemoved(world, row.partitionKey))
    .map((row) => ({ kind: 'unlink_unfinished', detail: row.partitionKey }));
}

/** Mail that waits, or that a person may have sent again, without the content that its row counts on. */
function lostContent(world: World, rows: readonly StoredRow[]): Violation[] {
  return rows
    .filter(({ rowKey }) => rowKey.startsWith('2|'))
    .flatMap((row) => {
      const { blob, mailId } = waitingOf(row);
      const kept = blob && world.blobs.kept.get(`${blob.container}/${blob.name}`);
      return blob && kept?.etag !== blob.etag ? [{ kind: 'content_lost', mailId, detail: blob.name }] : [];
    });
}

/**
 * Claims of a lane against its bucket. Clocks that differ shift the refill, so they are given their difference; and four
 * workers that stall between taking a token and writing the claim come late by one each.
 */
function tooFast(world: World): Violation[] {
  const { perMinute, skewMs, speed } = world.scenario;
  const late = world.freezes > 0 || speed.verySlow > 0 ? 4 : 1;
  if (perMinute === 0) return [];
  for (const connectionId of world.connectionIds) {
    const times = world.watch.claims.filter((claim) => claim.connectionId === connectionId).map(({ at }) => at);
    for (const [first, from] of times.entries()) {
      for (let last = first; last < times.length; last += 1) {
        const span = (times[last] ?? from) - from + 2 * skewMs;
        const allowed = BURST + late + (span / 60_000) * perMinute;
        if (last - first + 1 > allowed)
          return [{ kind: 'too_fast', detail: `${last - first + 1} claims in ${Math.round(span / 1000)} s` }];
      }
    }
  }
  return [];
}

/**
 * Mail that nobody will come for in time: when it is due, or, behind a shut gate, when it expires. At rest no message is
 * left, so only a wake-up in the connection's row, for the hourly scan, may still be to come. The daily check would find
 * such mail; here that counts as a fault.
 */
export function whatSleeps(world: World): Violation[] {
  const now = new Date(world.scheduler.now).toISOString();
  const rows = world.mails.all();
  const wakeAt = new Map(world.connections.all().map((row) => [row.rowKey, text(row, 'wakeAt')]));
  const gates = new Map(
    rows.filter(({ rowKey }) => rowKey === '0').map((row) => [row.partitionKey, text(row, 'gate')]),
  );
  const told = new Set(
    world.queues.of(QUEUES.events).map((message) => (JSON.parse(message.text) as { id: string }).id),
  );
  return rows.flatMap((row): Violation[] => {
    const { partitionKey, rowKey } = row;
    if (rowKey.startsWith('3|') && !told.has(`${partitionKey}/${rowKey.slice(2)}`))
      return [{ kind: 'event_asleep', detail: rowKey }];
    if (!rowKey.startsWith('2|') || flag(row, 'parked')) return [];
    const gate = gates.get(partitionKey);
    // The scan looks once more, soon after the unlink; what it leaves is found at the end.
    if (gate === 'removed') return [];
    const at = gate === 'open' ? (rowKey.split('|')[1] ?? '') : text(row, 'expiresAt');
    const wakes = wakeAt.get(partitionKey) ?? '';
    const latest = [at, now].toSorted().at(-1) ?? now;
    if (wakes !== '' && wakes <= latest) return [];
    const detail = `gate ${gate}, ${at}, wake-up ${wakes || 'none'}, now ${now}`;
    return [{ kind: gate === 'open' ? 'asleep' : 'expiry_asleep', mailId: text(row, 'mailId'), detail }];
  });
}
