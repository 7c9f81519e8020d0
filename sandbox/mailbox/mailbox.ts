import { createTransport } from 'nodemailer';
import type { SentMail } from '../graph/graph.ts';
import { listen } from '../kit/serve.ts';
import { createFront, MESSAGES_PATH } from './front.ts';
import { KeyedQueues } from './keyed-queues.ts';
import { startMailDev } from './maildev.ts';
import { toMime } from './mime.ts';

export interface Mailbox {
  /** The page for people. */
  readonly url: string;
  /** `GET` gives all mails as JSON, oldest first; `DELETE` empties the mailbox. */
  readonly apiUrl: string;
  /** Resolves when the mail is in the mailbox. */
  deliver(mail: SentMail): Promise<void>;
  close(): Promise<void>;
}

/** Starts the mailbox that receives everything the sandbox sends, whoever it is addressed to. */
export async function startMailbox(options: { readonly port?: number }): Promise<Mailbox> {
  const mailDev = await startMailDev();
  const transport = createTransport({
    pool: true,
    host: '127.0.0.1',
    port: mailDev.smtpPort,
    ignoreTLS: true,
    maxMessages: Number.POSITIVE_INFINITY,
  });
  const queues = new KeyedQueues();
  const front = createFront(mailDev);
  const port = await listen(front, options.port);
  const url = `http://localhost:${port}`;
  return {
    url,
    apiUrl: `${url}${MESSAGES_PATH}`,
    deliver: (mail) =>
      queues.run(mail.mailbox, async () => {
        await transport.sendMail(toMime(mail));
      }),
    close: async () => {
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      await queues.idle();
      transport.close();
      // MailDev ends the websockets, which the front server no longer counts as its own.
      await mailDev.close();
      front.closeAllConnections();
      await closed;
    },
  };
}
