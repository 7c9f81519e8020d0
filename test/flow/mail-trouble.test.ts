import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/kit/journal.ts';
import type { Connection, Mail } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { linkMailbox } from './support/link.ts';
import { connectionPath } from './support/mails.ts';
import { enqueue, type MailFields, mail, message, rejected } from './support/messages.ts';
import { QUICK } from './support/quick.ts';
import { until } from './support/until.ts';

/** A dead instance is noticed after its lease and two seconds; on Azure 150 s. */
const LEASE_SECONDS = 5;

let flow: Flow;
let nextSender = 1;

beforeAll(async () => {
  const environment = { ...QUICK, LANE_LEASE_SECONDS: String(LEASE_SECONDS) };
  flow = await startFlow({ extraMailboxes: 20, redeliverySeconds: 2, environment });
});
afterAll(() => flow?.close());

/** A mailbox of its own for each test: what shuts one lane touches no other test. */
async function newSender() {
  const address = `sender-${nextSender++}@acme.example`;
  return { address, connectionId: await linkMailbox(flow, address) };
}

/** Lets Graph answer a mail this way. */
const graphAnswers = (mailId: string, fault: Fault) =>
  flow.control('graph/faults', [{ match: { path: 'sendMail', contains: `"${mailId}"` }, ...fault }]);
const graphError = (status: number, code: string, headers: Record<string, string> = {}): Fault => ({
  status,
  headers,
  body: { error: { code, message: 'Planted by a test.' } },
});
const graphCalls = async (mailId: string) =>
  (await flow.requests('graph')).filter(({ body }) => body.includes(`"${mailId}"`));
const connectionOf = (connectionId: string) => flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId));
const act = (connectionId: string, mailId: string, action: string, body: object) =>
  flow.api.expect<Mail>(200, 'POST', `${connectionPath(connectionId)}/mails/${mailId}/${action}`, { body });

/** A further mail through the lane: once it is through, nothing before it is still on its way. */
async function laneGoesOn(connectionId: string) {
  const next = mail();
  await flow.mails.submit(connectionId, next);
  await flow.mails.reaches(connectionId, next.mailId, 'accepted');
}

describe('what Graph refuses', () => {
  it('400: this mail is rejected with Graph’s code, and the next one goes', async () => {
    const { connectionId } = await newSender();
    const bad = message(connectionId);
    await graphAnswers(bad.mailId, graphError(400, 'ErrorInvalidRecipients'));
    await enqueue(flow, bad);
    const record = await flow.mails.reaches(connectionId, bad.mailId, 'rejected');
    expect(record).toMatchObject({ reason: 'ErrorInvalidRecipients', attempts: 1, graph: { status: 400 } });
    await flow.events.tells('mail.rejected', { mailId: bad.mailId, reason: 'ErrorInvalidRecipients' });
    await laneGoesOn(connectionId);

    const stale = await flow.api.expect(409, 'POST', `${connectionPath(connectionId)}/mails/${bad.mailId}/retry`, {
      body: { attempt: 0 },
    });
    expect(stale.code).toBe('attempt_changed');
    await act(connectionId, bad.mailId, 'retry', { attempt: 1 });
    await flow.mails.reaches(connectionId, bad.mailId, 'accepted');
    await flow.mails.arrives(bad.mailId);
    expect(await flow.mails.copies(bad.mailId)).toHaveLength(1);
  });

  it('403: the mailbox is blocked; its mail is held, nothing more is tried, and a new link opens the gate', async () => {
    const { address, connectionId } = await newSender();
    const first = mail();
    await graphAnswers(first.mailId, graphError(403, 'ErrorAccessDenied'));
    await flow.mails.submit(connectionId, first);
    expect((await flow.mails.reaches(connectionId, first.mailId, 'held')).reason).toBe('blocked');
    expect(await connectionOf(connectionId)).toMatchObject({ status: 'blocked', reason: 'ErrorAccessDenied' });
    await flow.events.tells('connection.blocked', { connectionId, reason: 'ErrorAccessDenied' });

    const second = message(connectionId);
    await enqueue(flow, second);
    await flow.mails.reaches(connectionId, second.mailId, 'held');
    expect(await graphCalls(second.mailId)).toEqual([]);

    expect(await linkMailbox(flow, address)).toBe(connectionId);
    await flow.mails.reaches(connectionId, first.mailId, 'accepted');
    await flow.mails.reaches(connectionId, second.mailId, 'accepted');
    expect((await connectionOf(connectionId)).status).toBe('connected');
  });

  it('403 ErrorSendAsDenied concerns this mail only', async () => {
    const { connectionId } = await newSender();
    const bad = mail();
    await graphAnswers(bad.mailId, graphError(403, 'ErrorSendAsDenied'));
    await flow.mails.submit(connectionId, bad);
    await flow.mails.reaches(connectionId, bad.mailId, 'rejected');
    await laneGoesOn(connectionId);
  });

  it('401: the token is renewed once, and the mail goes with the new one', async () => {
    const { connectionId } = await newSender();
    const one = mail();
    await graphAnswers(one.mailId, graphError(401, 'InvalidAuthenticationToken'));
    await flow.mails.submit(connectionId, one);
    const record = await flow.mails.reaches(connectionId, one.mailId, 'accepted');
    expect(record.attempts).toBe(1);
    expect((await graphCalls(one.mailId)).map(({ status }) => status)).toEqual([401, 202]);
  });
});

describe('what Graph has no time for', () => {
  it.each([
    ['429 with seconds', graphError(429, 'ApplicationThrottled', { 'retry-after': '2' })],
    ['503 with a throttling code', graphError(503, 'ErrorServerBusy', { 'retry-after': '2' })],
  ])('%s: the lane waits as long as asked, then sends once, and no attempt is counted', async (_name, fault) => {
    const { connectionId } = await newSender();
    const [throttled, behind] = [message(connectionId), message(connectionId)];
    await graphAnswers(throttled.mailId, fault);
    await enqueue(flow, throttled);
    await until('the first answer', async () => (await graphCalls(throttled.mailId)).length === 1);
    await enqueue(flow, behind);
    const record = await flow.mails.reaches(connectionId, throttled.mailId, 'accepted');
    expect(record.attempts).toBe(1);
    await flow.mails.reaches(connectionId, behind.mailId, 'accepted');

    const [first, second, ...more] = await graphCalls(throttled.mailId);
    expect(more).toEqual([]);
    const waited = Date.parse(second?.at ?? '') - Date.parse(first?.at ?? '');
    expect(waited).toBeGreaterThanOrEqual(1900);
    // The pause is the lane's: a mail behind it did not knock either.
    const [after] = await graphCalls(behind.mailId);
    expect(Date.parse(after?.at ?? '') - Date.parse(first?.at ?? '')).toBeGreaterThanOrEqual(1900);
    await flow.mails.arrives(throttled.mailId);
    expect(await flow.mails.copies(throttled.mailId)).toHaveLength(1);
  });
});

describe('a mail whose fate nobody knows is never doubled', () => {
  it.each<[string, Fault]>([
    ['504 although Graph took it', { ...graphError(504, 'UnknownError'), taken: true }],
    ['the connection breaks after Graph took it', { drop: 'after' }],
    ['a 200 where 202 was expected', { status: 200, taken: true }],
  ])('%s: uncertain, kept for a person, and said so', async (_name, fault) => {
    const { connectionId } = await newSender();
    const one = message(connectionId);
    await graphAnswers(one.mailId, fault);
    await enqueue(flow, one);
    const record = await flow.mails.reaches(connectionId, one.mailId, 'uncertain');
    expect(record).toMatchObject({
      attempts: 1,
      reason: expect.stringMatching(/^(no_answer|server_error_after_send)$/),
    });
    await flow.events.tells('mail.uncertain', { mailId: one.mailId });
    await laneGoesOn(connectionId);
    expect(await graphCalls(one.mailId)).toHaveLength(1);
    expect(await flow.mails.copies(one.mailId)).toHaveLength(1);

    const resolved = await act(connectionId, one.mailId, 'resolve', { attempt: 1, as: 'sent' });
    expect(resolved.state).toBe('accepted');
  });

  it('a person who knows that it was not sent has it sent again', async () => {
    const { connectionId } = await newSender();
    const one = mail();
    await graphAnswers(one.mailId, { drop: 'before' });
    await flow.mails.submit(connectionId, one);
    await flow.mails.reaches(connectionId, one.mailId, 'uncertain');
    await act(connectionId, one.mailId, 'resolve', { attempt: 1, as: 'resend' });
    await flow.mails.reaches(connectionId, one.mailId, 'accepted');
    await flow.mails.arrives(one.mailId);
    expect(await flow.mails.copies(one.mailId)).toHaveLength(1);
  });

  it.each(['from the queue', 'over HTTP'])(
    'but a producer who prefers two to none gets it sent once more, and only once: %s',
    async (way) => {
      const { connectionId } = await newSender();
      const [lucky, unlucky] = [1, 2].map(() => message(connectionId, { onUncertain: 'resend' })) as [
        MailFields,
        MailFields,
      ];
      await graphAnswers(lucky.mailId, { status: 502, times: 1 });
      await graphAnswers(unlucky.mailId, { status: 502, times: 5 });
      for (const one of [lucky, unlucky]) {
        const { version: _v, customerId: _c, connectionId: _i, ...body } = one;
        await (way === 'over HTTP' ? flow.mails.submit(connectionId, body) : enqueue(flow, one));
        await flow.mails.reaches(connectionId, one.mailId, one === lucky ? 'accepted' : 'uncertain');
      }
      expect(await graphCalls(lucky.mailId)).toHaveLength(2);
      expect(await graphCalls(unlucky.mailId)).toHaveLength(2);
    },
  );

  it('when the instance is killed while the mail is on its way', async () => {
    const { connectionId } = await newSender();
    const [fromQueue, overHttp] = [message(connectionId), mail()];
    await graphAnswers(fromQueue.mailId, { delayMs: 1500 });
    await enqueue(flow, fromQueue);
    await until(
      'the mail to be on its way',
      async () => (await flow.mails.reaches(connectionId, fromQueue.mailId, 'sending')) !== undefined,
    );
    await until('Graph to have it', () =>
      flow.sandbox.graph.journal.faults.some(
        ({ fault, left }) => left === 0 && fault.match?.contains === `"${fromQueue.mailId}"`,
      ),
    );
    await flow.control('host/kill', {});
    // Behind it in the same lane, and taken in by the instance that came after.
    await flow.mails.submit(connectionId, overHttp);

    const end = await until(
      'an end of the mail',
      async () => {
        const { state } = await flow.mails.get(connectionId, fromQueue.mailId);
        return state === 'sending' ? undefined : state;
      },
      LEASE_SECONDS + 14,
    );
    expect(['accepted', 'uncertain']).toContain(end);
    await flow.mails.reaches(connectionId, overHttp.mailId, 'accepted');
    await flow.mails.arrives(fromQueue.mailId);
    expect(await graphCalls(fromQueue.mailId)).toHaveLength(1);
    expect(await flow.mails.copies(fromQueue.mailId)).toHaveLength(1);
    if (end === 'uncertain') await flow.events.tells('mail.uncertain', { mailId: fromQueue.mailId });
  });
});

describe('a message that no function gets hold of', () => {
  it('goes from the poison queue to rejected-mail as it was sent', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    await flow.queue('outlook-mail-poison').sendMessage(deep);
    await flow.control('host/run', { function: 'poison-reader' });
    const kept = [];
    for await (const blob of flow.blobs().getContainerClient('rejected-mail').listBlobsFlat()) {
      kept.push(await rejected(flow, blob.name));
    }
    expect(kept).toContainEqual({ reason: 'poisoned', text: deep });
    expect((await flow.queue('outlook-mail-poison').getProperties()).approximateMessagesCount).toBe(0);
  });
});

describe('a link that Microsoft no longer honours', () => {
  /** Access tokens live in the instance's memory for an hour; a new instance has none. */
  const forgetTokens = () => flow.control('host/renew', {});

  it('needs a re-link; its mail is held, and the re-link through the pages lets it go under the same connection', async () => {
    const { address, connectionId } = await newSender();
    await flow.control('identity/revoke', { address });
    await forgetTokens();
    const one = message(connectionId);
    await enqueue(flow, one);
    const record = await flow.mails.reaches(connectionId, one.mailId, 'held');
    expect(record).toMatchObject({ reason: 'needs_relink', attempts: 0 });
    expect(await connectionOf(connectionId)).toMatchObject({
      status: 'needs_relink',
      reason: 'access_revoked',
    });
    await flow.events.tells('connection.needs_relink', { connectionId });
    expect(await graphCalls(one.mailId)).toEqual([]);

    expect(await linkMailbox(flow, address)).toBe(connectionId);
    await flow.mails.reaches(connectionId, one.mailId, 'accepted');
    await flow.mails.arrives(one.mailId);
    expect((await connectionOf(connectionId)).status).toBe('connected');
    await flow.events.tells('connection.linked', { connectionId });
  });

  it('an outage at Microsoft holds nothing for longer than it lasts, and changes no status', async () => {
    const { connectionId } = await newSender();
    await forgetTokens();
    const match = { path: '/oauth2/v2.0/token', contains: 'refresh_token' };
    await flow.control('identity/faults', [{ match, status: 503, headers: { 'retry-after': '1' }, body: 'Down.' }]);
    const one = mail();
    await flow.mails.submit(connectionId, one);
    await flow.mails.reaches(connectionId, one.mailId, 'accepted');
    expect((await flow.requests('identity')).filter(({ status }) => status === 503)).toHaveLength(1);
    expect((await connectionOf(connectionId)).status).toBe('connected');
  });

  it('a refused secret of RoboMQ’s own application shuts no gate: the lanes wait', async () => {
    const { connectionId } = await newSender();
    await forgetTokens();
    const { clientId } = flow.sandbox.info.serviceProvider;
    await flow.control('identity/expire-secret', { clientId });
    const one = mail();
    await flow.mails.submit(connectionId, one);
    const isAlert = (line: string) =>
      line.includes('service_provider_credential_refused') && line.includes(connectionId);
    await until('the alert', () => flow.sandbox.logs.some(isAlert));
    await flow.control('identity/restore', {});
    expect((await connectionOf(connectionId)).status).toBe('connected');
    await flow.mails.reaches(connectionId, one.mailId, 'accepted');
  });
});
