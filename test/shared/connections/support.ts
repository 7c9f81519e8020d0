import type { Connection } from '../../../shared/connections/connection.ts';
import { submitMail } from '../../../shared/mail/submit-mail.ts';
import type { FakeApp } from '../../fakes/app.ts';

export const SECOND_OBJECT = '0b1ec700-0000-4000-8000-000000000002';

/** Types of the events that went out, oldest first. */
export function eventsOf(fake: FakeApp): string[] {
  return fake.cloudEvents().map(({ type }) => type);
}

/** A connection as it is stored now. */
export async function current(fake: FakeApp, { customerId, connectionId }: Connection): Promise<Connection> {
  const connection = await fake.app.linking.connections.get(customerId, connectionId);
  if (!connection) throw new Error('the connection is gone');
  return connection;
}

export async function gateOf(fake: FakeApp, { connectionId }: Connection): Promise<string | undefined> {
  return (await fake.app.linking.lanes.get(connectionId)).lane?.gate;
}

/** A mail that waits in its lane; nobody works it off. */
export async function wait(fake: FakeApp, connection: Connection, mailId: string): Promise<void> {
  await submitMail(
    fake.app.mail,
    connection,
    { mailId, to: [{ address: 'ada@example.com' }], subject: 'Hello', body: { contentType: 'text', content: 'Hello' } },
    fake.invocation(),
  );
}

export function token(fake: FakeApp, connection: Connection, refused?: string) {
  return fake.app.mail.tokens.get(connection, fake.invocation().log, refused);
}
