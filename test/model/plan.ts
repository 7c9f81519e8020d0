import { pauseConnection, resumeConnection } from '../../shared/connections/change-connection.ts';
import { requireConnection } from '../../shared/connections/read-connections.ts';
import { unlinkConnection } from '../../shared/connections/unlink.ts';
import { sha256 } from '../../shared/ids.ts';
import { actOnMail, cancelMail } from '../../shared/mail/act-on-mail.ts';
import { LIMITS } from '../../shared/mail/limits.ts';
import type { Mail } from '../../shared/mail/message.ts';
import { recordOf } from '../../shared/mail/record.ts';
import { submitMail } from '../../shared/mail/submit-mail.ts';
import { leaveTicket } from '../../shared/mail/tickets.ts';
import { CONTAINERS, QUEUES } from '../../shared/storage-names.ts';
import { CUSTOMER, type World } from './world.ts';

/** A mail of a run, and what the run did to it beside sending it. */
export interface PlannedMail {
  readonly mailId: string;
  readonly connectionId: string;
  readonly resend: boolean;
  readonly expires: boolean;
  readonly scheduled: boolean;
  readonly refused: boolean;
  readonly cursed: boolean;
  readonly content: 'small' | 'large' | 'dropped';
  /** How often somebody had it sent again, or settled by hand. */
  sentAgain: number;
  settledByHand: boolean;
  /** When it may go at the earliest, in virtual time. */
  dueAt: number;
  /** A caller was told that the mail is not taken. */
  refusedToCaller: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The latest time for which mail is scheduled, and the time that it then needs. */
const LAST_SCHEDULED = 5 * HOUR;

/** Everything that is going to happen from outside: producers, callers of the API, operators. */
export function makePlan(world: World): readonly PlannedMail[] {
  const mails = Array.from({ length: world.scenario.mails }, (_, index) => planMail(world, index));
  for (const connectionId of world.connectionIds) {
    const { scenario, dice } = world;
    if (dice.chance(scenario.paused)) planPause(world, connectionId);
    if (dice.chance(scenario.mailboxLost)) planLostMailbox(world, connectionId);
    if (dice.chance(scenario.relinked)) planRelink(world, connectionId);
    if (dice.chance(scenario.unlinked)) planUnlink(world, connectionId);
  }
  if (world.dice.chance(world.scenario.stopped)) planStop(world);
  planScans(world);
  return mails;
}

function planMail(world: World, index: number): PlannedMail {
  const { dice, scenario } = world;
  const mail: PlannedMail = {
    mailId: `m${index + 1}`,
    connectionId: world.connectionIds[index % world.connectionIds.length] ?? '',
    resend: dice.chance(scenario.resend),
    expires: dice.chance(scenario.expiring),
    scheduled: dice.chance(scenario.scheduled),
    refused: dice.chance(scenario.refused),
    cursed: dice.chance(scenario.cursed),
    content: dice.chance(scenario.large) ? 'large' : dice.chance(scenario.dropped) ? 'dropped' : 'small',
    sentAgain: 0,
    settledByHand: false,
    dueAt: 0,
    refusedToCaller: false,
  };
  if (mail.refused) world.microsoft.refused.add(mail.mailId);
  if (mail.cursed) world.cursed.add(mail.mailId);
  const arrival = dice.between(0, scenario.arriveWithinMs);
  world.later(arrival, () => arrive(world, mail));
  if (dice.chance(scenario.cancelled)) world.later(arrival + dice.between(0, 3 * MINUTE), () => cancel(world, mail));
  if (dice.chance(scenario.actedOn)) world.later(arrival + dice.between(0, 90 * MINUTE), () => act(world, mail));
  return mail;
}

function arrive(world: World, mail: PlannedMail): void {
  const { dice, scenario } = world;
  const now = world.scheduler.now;
  const dueAt = now + (mail.scheduled ? dice.between(0, 3 * HOUR) : 0);
  mail.dueAt = dueAt;
  const content = {
    mailId: mail.mailId,
    to: ['ada@example.com'],
    subject: mail.mailId,
    ...contentOf(world, mail),
    ...(mail.scheduled && { sendAt: new Date(dueAt).toISOString() }),
    ...(mail.expires && { expiresAt: new Date(dueAt + dice.between(30_000, 30 * MINUTE)).toISOString() }),
    ...(mail.resend && { onUncertain: 'resend' as const }),
  } as const;
  const { connectionId } = mail;
  // A queue message holds 64 KB; what is larger comes over HTTP.
  if (mail.content === 'large' || dice.chance(scenario.submitted)) {
    const request: Mail = { ...content, to: [{ address: 'ada@example.com' }] };
    world.request(
      async (app, invocation) => {
        const connection = await requireConnection(app.mail, CUSTOMER, connectionId);
        await submitMail(app.mail, connection, request, invocation);
      },
      (refusal) => {
        mail.refusedToCaller ||= refusal !== undefined;
      },
    );
    return;
  }
  const text = JSON.stringify({ version: 1, customerId: CUSTOMER, connectionId, ...content });
  world.queues.put(QUEUES.mail, text);
  if (dice.chance(scenario.duplicate)) world.queues.put(QUEUES.mail, text, dice.between(0, 5 * MINUTE));
}

/** What a mail says: its id first, so that whoever gets it can tell whose content it is. */
function contentOf(world: World, { mailId, connectionId, content }: PlannedMail): Pick<Mail, 'body' | 'contentBlob'> {
  const text = content === 'large' ? `${mailId} ${'x'.repeat(LIMITS.rowContentBytes)}` : mailId;
  const body = { contentType: 'text', content: text } as const;
  if (content !== 'dropped') return { body };
  const contentBlob = `${CUSTOMER}/${connectionId}/${mailId}`;
  void world.blobs.put(CONTAINERS.drop, contentBlob, Buffer.from(JSON.stringify({ body })));
  return { contentBlob };
}

function cancel(world: World, mail: PlannedMail): void {
  world.request(async (app, invocation) => {
    const owner = await requireConnection(app.mail, CUSTOMER, mail.connectionId);
    await cancelMail(app.mail, owner, mail.mailId, invocation);
  });
}

/** Somebody looks at a mail and retries or resolves what they see, if that is possible. */
function act(world: World, mail: PlannedMail): void {
  const owner = { customerId: CUSTOMER, connectionId: mail.connectionId };
  const as = world.dice.pick(['resend', 'sent'] as const);
  let action: Parameters<typeof actOnMail>[3] | undefined;
  let counted = false;
  world.request(async (app, invocation) => {
    await requireConnection(app.mail, CUSTOMER, owner.connectionId);
    if (!action) {
      const { row } = await app.mail.mails.get(owner.connectionId, `1|${sha256(mail.mailId)}`);
      const record = row && recordOf(row);
      if (!record || record.refusedAtIntake) return;
      if (record.state === 'uncertain') action = { kind: 'resolve', attempt: record.attempts, as };
      else if (['dead', 'rejected', 'expired'].includes(record.state))
        action = { kind: 'retry', attempt: record.attempts };
      else return;
    }
    // Counted before the call: its answer may be lost.
    if (!counted) {
      counted = true;
      if (action.kind === 'resolve' && as === 'sent') mail.settledByHand = true;
      else mail.sentAgain += 1;
    }
    await actOnMail(app.mail, owner, mail.mailId, action, invocation);
  });
}

function planPause(world: World, connectionId: string): void {
  const { dice } = world;
  world.later(dice.between(0, world.scenario.arriveWithinMs + MINUTE), () =>
    world.request(
      (app, invocation) => pauseConnection(app.connections, CUSTOMER, connectionId, invocation),
      (refusal) => {
        if (!refusal) world.later(dice.between(0, 20 * MINUTE), () => resume(world, connectionId));
      },
    ),
  );
}

export function resume(world: World, connectionId: string): void {
  world.request((app, invocation) => resumeConnection(app.connections, CUSTOMER, connectionId, invocation));
}

function planLostMailbox(world: World, connectionId: string): void {
  const { dice, microsoft } = world;
  world.later(dice.between(0, world.scenario.arriveWithinMs), () => {
    microsoft.withoutMailbox.add(connectionId);
    world.later(dice.between(MINUTE, 30 * MINUTE), () => microsoft.withoutMailbox.delete(connectionId));
  });
}

function planRelink(world: World, connectionId: string): void {
  const at = world.dice.between(0, world.scenario.arriveWithinMs + 10 * MINUTE);
  world.later(at, () => relink(world, connectionId, `link-${at}`));
}

/** What finishing a link of a mailbox that is linked already does, in its order. */
export function relink(world: World, connectionId: string, linkId: string): void {
  world.request(async ({ mail }) => {
    const connection = await mail.connections.change(CUSTOMER, connectionId, (current) =>
      current.linkId === linkId || current.status === 'removing'
        ? undefined
        : {
            linkId,
            status: current.paused ? 'paused' : 'connected',
            reason: '',
            credentialVersion: current.credentialVersion + 1,
          },
    );
    // Unlinked meanwhile: the unlink wins.
    if (!connection || connection.status === 'removing') return;
    await mail.lanes.setGate(connectionId, {
      to: (gate) => (gate === 'removed' ? undefined : gate === 'paused' ? 'paused' : 'open'),
      credentialVersion: connection.credentialVersion,
    });
    await leaveTicket(mail.queues, connection);
  });
}

function planUnlink(world: World, connectionId: string): void {
  const at = world.dice.between(0, 1.2 * world.scenario.arriveWithinMs);
  world.later(at, () =>
    world.request((app, invocation) => unlinkConnection(app.connections, CUSTOMER, connectionId, invocation)),
  );
}

/** An operator stops all sending, and lets it go on later. */
function planStop(world: World): void {
  const { dice } = world;
  const set = (on: boolean) => {
    void world.connections.write('_', [{ kind: 'merge', rowKey: 'stop', properties: { on } }]);
  };
  world.later(dice.between(0, world.scenario.arriveWithinMs), () => {
    set(true);
    world.later(dice.between(0, 20 * MINUTE), () => set(false));
  });
}

/** The hourly scan, for as long as the plan reaches; later ones come only when a row asks for them. */
function planScans(world: World): void {
  const first = world.dice.between(0, HOUR);
  for (let at = first; at <= LAST_SCHEDULED; at += HOUR) world.later(at, () => world.scan());
}
