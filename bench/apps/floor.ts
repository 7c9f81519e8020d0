/** The floor: receive, POST with a ready token, delete. No records, no tokens to obtain, nothing that could be lost. */
import { app } from '@azure/functions';
import { graphRequest } from './graph-request.ts';

const url = `${process.env['MICROSOFT_GRAPH_URL']}/me/sendMail`;

app.storageQueue('floor', {
  queueName: 'outlook-mail',
  connection: 'MailStorage',
  handler: async (message) => {
    const headers = { authorization: 'Bearer ready', 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(graphRequest(message)) });
    await response.text();
    if (response.status !== 202) throw new Error(`Graph answered ${response.status}`);
  },
});
