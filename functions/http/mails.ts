import type { HttpRequest } from '@azure/functions';
import * as z from 'zod';
import type { App } from '../../shared/compose.ts';
import type { Connection } from '../../shared/connections/connection.ts';
import { requireConnection } from '../../shared/connections/read-connections.ts';
import { AppError } from '../../shared/errors.ts';
import { isOwnId } from '../../shared/ids.ts';
import {
  actOnMail,
  actOnMails,
  cancelMail,
  type MailOwner,
  resolveManySchema,
  resolveSchema,
  retryManySchema,
  retrySchema,
} from '../../shared/mail/act-on-mail.ts';
import type { MailDeps } from '../../shared/mail/deps.ts';
import { mailSchema } from '../../shared/mail/message.ts';
import { getMail, LISTED_STATES, listMails, readMail } from '../../shared/mail/read-mails.ts';
import { submitMail } from '../../shared/mail/submit-mail.ts';
import type { Endpoint } from './endpoint.ts';
import { callerId, jsonAnswer, noQuery, pageQuery, pathParameter, readBody, readNoBody, readQuery } from './input.ts';

/** `?state=` beside those of every list. */
export const mailsQuery = pageQuery.extend({ state: z.enum(LISTED_STATES).optional() });

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
        const [connection, leaving] = await Promise.all([
          ownerOf(mail, request),
          mail.connections.isCustomerLeaving(callerId(request, 'customerId')),
        ]);
        if (leaving) throw new AppError('customer_being_removed');
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
        const query = readQuery(request, mailsQuery);
        const { connectionId } = await readableOwner(mail, request);
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
        const { connectionId } = await readableOwner(mail, request);
        return jsonAnswer(200, await getMail(mail, connectionId, request.params['mailId'] ?? ''));
      },
    },
    {
      name: 'mail-cancel',
      method: 'DELETE',
      route: `${MAILS}/{mailId}`,
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        await readNoBody(request);
        const owner = await ownerOf(mail, request);
        return jsonAnswer(200, await cancelMail(mail, owner, request.params['mailId'] ?? '', invocation));
      },
    },
    {
      name: 'mail-retry',
      method: 'POST',
      route: `${MAILS}/{mailId}/retry`,
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const action = { kind: 'retry', ...(await readBody(request, retrySchema)) } as const;
        const owner = await settledOwner(mail, request);
        return jsonAnswer(200, await actOnMail(mail, owner, request.params['mailId'] ?? '', action, invocation));
      },
    },
    {
      name: 'mail-resolve',
      method: 'POST',
      route: `${MAILS}/{mailId}/resolve`,
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const action = { kind: 'resolve', ...(await readBody(request, resolveSchema)) } as const;
        const owner = await settledOwner(mail, request);
        return jsonAnswer(200, await actOnMail(mail, owner, request.params['mailId'] ?? '', action, invocation));
      },
    },
    {
      name: 'mails-retry',
      method: 'POST',
      route: `${MAILS}/retry`,
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const { items } = await readBody(request, retryManySchema);
        const owner = await settledOwner(mail, request);
        const actions = items.map((item) => ({
          mailId: item.mailId,
          action: { kind: 'retry', attempt: item.attempt } as const,
        }));
        return jsonAnswer(200, await actOnMails(mail, owner, actions, invocation));
      },
    },
    {
      name: 'mails-resolve',
      method: 'POST',
      route: `${MAILS}/resolve`,
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const { items } = await readBody(request, resolveManySchema);
        const owner = await settledOwner(mail, request);
        const actions = items.map((item) => ({
          mailId: item.mailId,
          action: { kind: 'resolve', attempt: item.attempt, as: item.as } as const,
        }));
        return jsonAnswer(200, await actOnMails(mail, owner, actions, invocation));
      },
    },
  ];
}

/** The customer's connection that a path names, as current as the table. */
function ownerOf(mail: MailDeps, request: HttpRequest): Promise<Connection> {
  return requireConnection(mail, callerId(request, 'customerId'), pathParameter(request, 'connectionId'));
}

/** As `ownerOf`; but what became of mail can still be read when its connection was unlinked. */
async function readableOwner(mail: MailDeps, request: HttpRequest): Promise<{ readonly connectionId: string }> {
  const [customerId, connectionId] = [callerId(request, 'customerId'), pathParameter(request, 'connectionId')];
  const { lane } = isOwnId(connectionId, 'con') ? await mail.lanes.get(connectionId) : { lane: undefined };
  if (lane?.customerId !== customerId) throw new AppError('not_found');
  return { connectionId };
}

/** As `readableOwner`: a mail whose fate is unknown can be settled after an unlink too. */
async function settledOwner(mail: MailDeps, request: HttpRequest): Promise<MailOwner> {
  const [customerId, connectionId] = [callerId(request, 'customerId'), pathParameter(request, 'connectionId')];
  const connection = isOwnId(connectionId, 'con') ? await mail.connections.get(customerId, connectionId) : undefined;
  if (connection && connection.status !== 'removing') return connection;
  return { customerId, ...(await readableOwner(mail, request)), ended: true };
}
