import type { Connection } from '../../../shared/connections/connection.ts';
import { acceptMessage } from '../../../shared/mail/accept-message.ts';
import { acceptTicket } from '../../../shared/mail/accept-ticket.ts';
import { getMail } from '../../../shared/mail/read-mails.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { FakeApp } from '../../fakes/app.ts';

/** An app with one linked mailbox, and what producers do with it. */
export class MailWorld extends FakeApp {
  connection!: Connection;
  private messages = 0;

  static async create(settings: Readonly<Record<string, string>> = {}): Promise<MailWorld> {
    const world = new MailWorld({ MAIL_PER_MINUTE: '0', ...settings });
    world.connection = (await world.link()).connection;
    world.queues.sent.splice(0);
    return world;
  }

  /** A valid queue message to this world's connection. */
  message(fields: Record<string, unknown> = {}): Record<string, unknown> {
    const { customerId, connectionId } = this.connection;
    return {
      version: 1,
      customerId,
      connectionId,
      mailId: 'mail-1',
      to: ['ada@example.com'],
      subject: 'Welcome',
      body: { contentType: 'text', content: 'Hello' },
      ...fields,
    };
  }

  /** A queue message is delivered once. */
  async deliver(body: unknown, dequeueCount = 1, messageId = this.nextMessageId()): Promise<string> {
    await acceptMessage(this.app.mail, { messageId, body }, this.delivery(messageId, dequeueCount, false));
    return messageId;
  }

  /** Every ticket that was left is delivered, as often as there are new ones, whatever their delay. */
  async deliverTickets(rounds = 10): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      const tickets = this.queues.of(QUEUES.lanes);
      if (tickets.length === 0) return;
      const delay = Math.max(...tickets.map(({ visibleInSeconds }) => visibleInSeconds));
      this.clock.advance(delay * 1000);
      this.queues.sent.splice(
        0,
        this.queues.sent.length,
        ...this.queues.sent.filter(({ queue }) => queue !== QUEUES.lanes),
      );
      for (const { text } of tickets)
        await acceptTicket(this.app.mail, text, this.delivery(this.nextMessageId(), 1, true));
    }
  }

  record(mailId = 'mail-1') {
    return getMail(this.app.mail, this.connection.connectionId, mailId);
  }

  /** Types of the CloudEvents on the queue. */
  told(): string[] {
    return this.cloudEvents().map(({ type }) => type);
  }

  delivery(messageId: string, dequeueCount: number, isTicket: boolean) {
    return {
      invocation: this.invocation(),
      owner: `${messageId}.${dequeueCount}`,
      redelivered: dequeueCount > 1,
      isTicket,
    };
  }

  private nextMessageId(): string {
    this.messages += 1;
    return `message-${this.messages}`;
  }
}
