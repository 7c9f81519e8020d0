import { z } from 'zod';
import type { App } from '../../shared/compose.ts';
import { requireConnection } from '../../shared/connections/read-connections.ts';
import { mailSchema } from '../../shared/mail/message.ts';
import { getMail, LISTED_STATES, listMails, readMail } from '../../shared/mail/read-mails.ts';
import { submitMail } from '../../shared/mail/submit-mail.ts';
import type { Endpoint } from './endpoint.ts';
import { callerId, jsonAnswer, noQuery, pageQuery, pathParameter, readBody, readQuery } from './input.ts';

const MAILS = 'customers/{customerId}/connections/{connectionId}/mails';

/** Mail of a connection. */
export function mailEndpoints({ mail }: App): Endpoint[] {
  return [
    {
      name: 'mail-submit',
      method: 'POST',
      route: MAILS,
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const connection = await requireConnection(
          mail,
          callerId(request, 'customerId'),
          pathParameter(request, 'connectionId'),
        );
        const { record, created } = await submitMail(mail, connection, await readBody(request, mailSchema), invocation);
        const { customerId, connectionId } = connection;
        const location = `${mail.config.publicBaseUrl}/api/customers/${customerId}/connections/${connectionId}/mails/${record.mailId}`;
        return jsonAnswer(created ? 202 : 200, await readMail(mail, record), { location });
      },
    },
    {
      name: 'mails-list',
      method: 'GET',
      route: MAILS,
      auth: 'function',
      handle: async (request) => {
        const query = readQuery(request, pageQuery.extend({ state: z.enum(LISTED_STATES).optional() }));
        const { connectionId } = await requireConnection(
          mail,
          callerId(request, 'customerId'),
          pathParameter(request, 'connectionId'),
        );
        return jsonAnswer(200, await listMails(mail, connectionId, query.state, query.limit, query.after));
      },
    },
    {
      name: 'mail-get',
      method: 'GET',
      route: `${MAILS}/{mailId}`,
      auth: 'function',
      handle: async (request) => {
        readQuery(request, noQuery);
        const { connectionId } = await requireConnection(
          mail,
          callerId(request, 'customerId'),
          pathParameter(request, 'connectionId'),
        );
        return jsonAnswer(200, await getMail(mail, connectionId, request.params['mailId'] ?? ''));
      },
    },
  ];
}
