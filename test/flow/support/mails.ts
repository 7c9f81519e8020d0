import type { ReceivedMail } from '../../../sandbox/mailbox/received.ts';
import type { Api, Mail } from './api.ts';
import { until } from './until.ts';

export const CUSTOMER = 'acme';

/** Path of a connection of the sandbox's customer. */
export function connectionPath(connectionId: string): string {
  return `/customers/${CUSTOMER}/connections/${connectionId}`;
}

/** Mail, as the API and the mailbox show it. */
export class Mails {
  private readonly api: Api;
  private readonly mailboxApi: string;

  constructor(api: Api, mailboxApi: string) {
    this.api = api;
    this.mailboxApi = mailboxApi;
  }

  get(connectionId: string, mailId: string): Promise<Mail> {
    return this.api.expect<Mail>(200, 'GET', `${connectionPath(connectionId)}/mails/${mailId}`);
  }

  submit(connectionId: string, mail: object): Promise<Mail> {
    return this.api.expect<Mail>(202, 'POST', `${connectionPath(connectionId)}/mails`, { body: mail });
  }

  /** Waits until a mail is in a state. One that ends in another state fails at once. */
  reaches(connectionId: string, mailId: string, state: string, seconds?: number): Promise<Mail> {
    let last = '';
    const ended = new Set(['accepted', 'rejected', 'uncertain', 'expired', 'cancelled', 'dead']);
    return until(
      `mail ${mailId} to be ${state}`,
      async () => {
        const answer = await this.api.call('GET', `${connectionPath(connectionId)}/mails/${mailId}`);
        // From the queue, a mail has no record before it was taken in.
        if (answer.status === 404) return undefined;
        const mail = JSON.parse(answer.text) as Mail;
        if (mail.state === state) return mail;
        if (mail.state !== last && ended.has(mail.state))
          throw new Error(`Mail ${mailId} is ${mail.state} (${mail.reason ?? 'no reason'}) instead of ${state}.`);
        last = mail.state;
        return undefined;
      },
      seconds,
    );
  }

  /** Everything that arrived, oldest first. */
  async received(): Promise<readonly ReceivedMail[]> {
    const response = await fetch(this.mailboxApi);
    return (await response.json()) as ReceivedMail[];
  }

  /** What arrived of one mail: more than one would be a mail sent twice. */
  async copies(mailId: string): Promise<readonly ReceivedMail[]> {
    return (await this.received()).filter(({ headers }) => headers['x-outlook-sender-mail-id'] === mailId);
  }

  /** Waits until a mail is in the mailbox. */
  async arrives(mailId: string, seconds?: number): Promise<ReceivedMail> {
    return until(`mail ${mailId} to arrive`, async () => (await this.copies(mailId))[0], seconds);
  }
}
