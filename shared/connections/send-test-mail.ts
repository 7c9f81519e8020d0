import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { SECOND } from '../clock.ts';
import type { Invocation } from '../log.ts';
import { address } from '../mail/address.ts';
import { readMail } from '../mail/read-mails.ts';
import { type MailResource, recordOf } from '../mail/record.ts';
import { submitMail } from '../mail/submit-mail.ts';
import type { ConnectionsDeps } from './deps.ts';
import { requireConnection } from './read-connections.ts';

/** Body of `POST …/connections/{connectionId}/test`. */
export const testMailSchema = z.strictObject({ to: address });

const WAIT_MS = 30 * SECOND;
const POLL_MS = SECOND / 2;
const UNDECIDED = new Set(['queued', 'waiting', 'sending']);

/**
 * Sends a test mail through the lane, as any other mail goes, and says what happened: after at most 30 seconds, when it
 * may still be waiting.
 */
export async function sendTestMail(
  deps: ConnectionsDeps,
  customerId: string,
  connectionId: string,
  to: string,
  invocation: Invocation,
): Promise<MailResource> {
  const connection = await requireConnection(deps, customerId, connectionId);
  const { record } = await submitMail(
    deps,
    connection,
    {
      mailId: `test-${randomUUID()}`,
      to: [{ address: to }],
      subject: 'Test mail from Hire2Retire',
      body: {
        contentType: 'text',
        content: 'This mail was sent by Hire2Retire to prove that the linked Outlook account can send.',
      },
      // A test tells about now; hours later it would only puzzle.
      expiresAt: new Date(deps.clock.now().getTime() + 15 * 60 * SECOND).toISOString(),
    },
    invocation,
  );
  const until = deps.clock.monotonic() + WAIT_MS - 2 * SECOND;
  for (;;) {
    const { row } = await deps.mails.get(connectionId, record.rowKey);
    const current = row ? recordOf(row) : record;
    if (!UNDECIDED.has(current.state) || deps.clock.monotonic() > until) return readMail(deps, current);
    const { lane } = await deps.lanes.get(connectionId);
    if (lane && lane.gate !== 'open') return readMail(deps, current);
    await deps.clock.sleep(POLL_MS);
  }
}
