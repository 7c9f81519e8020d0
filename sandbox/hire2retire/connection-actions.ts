import { randomUUID } from 'node:crypto';
import type { Call, Reply } from '../kit/serve.ts';
import { ApiProblem, ApiUnreachable, type OutlookApi } from './api-client.ts';
import { CONNECTIONS_PATH, connectionsPage } from './connections-page.ts';
import { readForm } from './form.ts';
import { type Shell, seeOther } from './layout.ts';

/** What the buttons of a connection do. Each answers with the query that tells `/connections` what happened. */
const ACTIONS: Readonly<Record<string, (api: OutlookApi, shell: Shell, id: string, call: Call) => Promise<string>>> = {
  send: async (api, { session }, connectionId, call) => {
    const { to, subject, content } = readForm(call, FIELDS);
    const mail = await api.sendMail(session.customerId, connectionId, {
      mailId: randomUUID(),
      to: to.split(/[,;\s]+/).filter(Boolean),
      subject,
      body: { contentType: 'text', content },
    });
    return `sent=${encodeURIComponent(mail.mailId)}&connection=${encodeURIComponent(connectionId)}`;
  },
  test: async (api, { session }, connectionId) => {
    const { mailbox } = await api.connection(session.customerId, connectionId);
    const mail = await api.testConnection(session.customerId, connectionId, mailbox.signInName);
    return `tested=${encodeURIComponent(mail.mailId)}&connection=${encodeURIComponent(connectionId)}`;
  },
  remove: async (api, { session }, connectionId) => {
    await api.removeConnection(session.customerId, connectionId);
    return `removed=${encodeURIComponent(connectionId)}`;
  },
};

const FIELDS = ['to', 'subject', 'content'] as const;

/**
 * `POST /connections/{id}/{action}`
 * @returns undefined when there is no such action
 */
export async function connectionAction(shell: Shell, call: Call, api: OutlookApi): Promise<Reply | undefined> {
  const [, , id = '', name = '', ...rest] = call.url.pathname.split('/');
  const action = rest.length === 0 && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (!action || !/^[\w.-]+$/.test(id)) return undefined;
  try {
    return seeOther(shell.session, `${CONNECTIONS_PATH}?${await action(api, shell, id, call)}`);
  } catch (error) {
    if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
    const failed = { connectionId: id, values: readForm(call, FIELDS), error };
    return connectionsPage(shell, call.url.searchParams, api, failed);
  }
}
