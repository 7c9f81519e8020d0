import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json, type Reply, refusal } from '../kit/serve.ts';
import type { MailDev } from './maildev.ts';
import { type ReceivedMail, readReceived } from './received.ts';

/** Where the mails are as JSON. */
export const MESSAGES_PATH = '/messages';

/** The server that people and programs see: our JSON at `MESSAGES_PATH`, MailDev everywhere else. */
export function createFront(mailDev: MailDev): Server {
  const readMails = mailReader(mailDev);
  const server = createServer((request, response) => {
    const refused = refusal(request);
    if (refused) return send(response, forbidden(refused));
    const path = request.url?.split('?', 1)[0];
    if (path !== MESSAGES_PATH) return mailDev.web.emit('request', request, response);
    messages(request, mailDev, readMails).then(
      (reply) => send(response, reply),
      (error: unknown) => {
        console.error('The mailbox could not answer.', error);
        send(response, json(500, { error: 'The mailbox failed; see its log.' }));
      },
    );
  });
  server.on('upgrade', (request, socket, head) => {
    // A browser lets every page open a websocket and leaves the check of Origin to the server: as for a write.
    const refused = refusal({ method: 'POST', headers: request.headers });
    socket.on('error', () => socket.destroy());
    if (refused) socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else mailDev.web.emit('upgrade', request, socket, head);
  });
  return server;
}

async function messages(
  request: IncomingMessage,
  mailDev: MailDev,
  readMails: () => Promise<ReceivedMail[]>,
): Promise<Reply> {
  if (request.method === 'GET') return json(200, await readMails(), { 'cache-control': 'no-store' });
  if (request.method !== 'DELETE') return { status: 405, headers: { allow: 'GET, DELETE' } };
  await mailDev.deleteAll();
  return { status: 204 };
}

/** Reads every mail once. What was read is forgotten with the mail, because MailDev's own object is the key. */
function mailReader(mailDev: MailDev): () => Promise<ReceivedMail[]> {
  const known = new WeakMap<object, ReceivedMail>();
  return async () => {
    const mails: ReceivedMail[] = [];
    for (const email of await mailDev.emails()) {
      const mail = known.get(email) ?? (await readReceived(email).catch(ignoreDeleted));
      if (!mail) continue;
      known.set(email, mail);
      mails.push(mail);
    }
    return mails;
  };
}

/** A mail may be deleted between the list and the read. */
function ignoreDeleted(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function forbidden(body: string): Reply {
  return { status: 403, headers: { 'content-type': 'text/plain' }, body };
}

function send(response: ServerResponse, { status, headers = {}, body }: Reply): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as string | string[]);
  response.writeHead(status).end(body);
}
