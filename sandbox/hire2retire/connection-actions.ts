import { randomUUID } from 'node:crypto';
import type { Call, Reply } from '../kit/serve.ts';
import { ApiProblem, ApiUnreachable, type OutlookApi } from './api-client.ts';
import { CONNECTIONS_PATH, connectionsPage } from './connections-page.ts';
import { readForm } from './form.ts';
import { type Shell, seeOther } from './layout.ts';
import { RETURN_TO } from './link-form.ts';

/** What the buttons of a connection do. Each answers where the browser goes next: ids only, so that nothing is said that was not looked up. */
const ACTIONS: Readonly<Record<string, (api: OutlookApi, shell: Shell, id: string, call: Call) => Promise<string>>> = {
  send: async (api, { session }, connectionId, call) => {
    const { to, subject, content } = readForm(call, FIELDS);
    const mail = await api.sendMail(session.customerId, connectionId, {
      mailId: randomUUID(),
      to: to.split(/[,;\s]+/).filter(Boolean),
      subject,
      body: { contentType: 'text', content },
    });
    return `${CONNECTIONS_PATH}?sent=${encodeURIComponent(mail.mailId)}&connection=${encodeURIComponent(connectionId)}`;
  },
  test: async (api, { session }, connectionId) => {
    const { mailbox } = await api.connection(session.customerId, connectionId);
    const mail = await api.testConnection(session.customerId, connectionId, mailbox.signInName);
    return `${CONNECTIONS_PATH}?tested=${encodeURIComponent(mail.mailId)}&connection=${encodeURIComponent(connectionId)}`;
  },
  remove: async (api, { session }, connectionId) => {
    await api.removeConnection(session.customerId, connectionId);
    return `${CONNECTIONS_PATH}?removed=${encodeURIComponent(connectionId)}`;
  },
  // The same as the first link, with the connection: Microsoft signs in once more, and waiting mail goes by itself.
  relink: async (api, { session }, connectionId, call) => {
    const { application, displayName } = await api.connection(session.customerId, connectionId);
    const { clientSecret } = readForm(call, ['clientSecret']);
    const { linkUrl } = await api.startLink({
      customerId: session.customerId,
      startedBy: session.startedBy,
      returnTo: RETURN_TO,
      displayName,
      connectionId,
      application:
        application.kind === 'serviceProvider'
          ? { kind: 'serviceProvider' }
          : { kind: 'customerOwned', clientId: application.clientId, clientSecret },
    });
    return linkUrl;
  },
  secret: async (api, { session }, connectionId, call) => {
    const { application } = await api.connection(session.customerId, connectionId);
    const { clientSecret, clientSecretExpiresOn } = readForm(call, ['clientSecret', 'clientSecretExpiresOn']);
    const expiry = clientSecretExpiresOn && { clientSecretExpiresOn };
    await api.setSecret(session.customerId, application.clientId, { clientSecret, ...expiry });
    return `${CONNECTIONS_PATH}?changed=${encodeURIComponent(connectionId)}`;
  },
  alert: async (api, { session }, connectionId, call) => {
    await api.changeConnection(session.customerId, connectionId, readForm(call, ['alertAddress']));
    return `${CONNECTIONS_PATH}?changed=${encodeURIComponent(connectionId)}`;
  },
};

/** What is shown again when something was wrong: no secret. */
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
    return seeOther(shell.session, await action(api, shell, id, call));
  } catch (error) {
    if (!(error instanceof ApiProblem || error instanceof ApiUnreachable)) throw error;
    const failed = { connectionId: id, values: readForm(call, FIELDS), error };
    return connectionsPage(shell, call.url.searchParams, api, failed);
  }
}
