// Sends a mail by queue and one by HTTP, waits until both were accepted, and reads events. `node send.ts`, Node 22.18.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DefaultAzureCredential } from '@azure/identity';
import { QueueClient } from '@azure/storage-queue';
import type { Mail } from '../client/api.generated.ts';
import { ApiError, entra, functionKey, OutlookSender } from '../client/client.ts';
import { putMail, readEvents } from '../client/queue.ts';

const { API = '', CUSTOMER_ID = '', CONNECTION_ID = '', TO = '' } = process.env;
const { STORAGE_ACCOUNT, API_SCOPE, STORAGE_CONNECTION_STRING, FUNCTION_KEY = '' } = process.env;
const path = { customerId: CUSTOMER_ID, connectionId: CONNECTION_ID };

const credential = new DefaultAzureCredential();
const api = new OutlookSender(API, API_SCOPE ? entra(credential, API_SCOPE) : functionKey(FUNCTION_KEY));

function queue(name: string): QueueClient {
  // For the sandbox only: whoever has it has the whole account.
  if (STORAGE_CONNECTION_STRING) return new QueueClient(STORAGE_CONNECTION_STRING, name);
  return new QueueClient(`https://${STORAGE_ACCOUNT}.queue.core.windows.net/${name}`, credential);
}

function greeting(mailId: string): Mail {
  return {
    mailId,
    to: [TO],
    subject: 'Welcome to Acme',
    body: { contentType: 'html', content: '<p>Your account is <b>ready</b>. Grüße!</p>' },
  };
}

async function accepted(mailId: string): Promise<void> {
  const limit = Number(process.env['WAIT_SECONDS'] ?? 60);
  const end = Date.now() + limit * 1000;
  for (;;) {
    let known = 'no record: the app is down, or the message is nobody’s mail. An operator finds that in rejected-mail';
    try {
      const { state, reason } = await api.call('mail-get', { path: { ...path, mailId } });
      if (state === 'accepted') return console.log(`${mailId} accepted`);
      if (!['queued', 'waiting', 'sending'].includes(state)) throw new Error(`${mailId} is ${state}: ${reason}`);
      known = `the state ${state}`;
    } catch (error) {
      // From the queue, a mail has no record before it was taken in; one that names no connection never has.
      if (!(error instanceof ApiError && error.code === 'not_found')) throw error;
    }
    if (Date.now() >= end) throw new Error(`After ${limit} s ${mailId} has ${known}.`);
    await delay(500);
  }
}

// A real mailId says what the mail is about, so that a repetition is recognized.
const [queued, posted] = [`ts-queue-${randomUUID()}`, `ts-http-${randomUUID()}`];
await putMail(queue('outlook-mail'), { version: 1, ...path, ...greeting(queued) });
await api.call('mail-submit', { path, body: greeting(posted) });
await accepted(queued);
await accepted(posted);
await readEvents(queue('outlook-events'), async ({ type, subject, data }) =>
  console.log(`event ${type} ${data.mailId ?? subject}`),
);
