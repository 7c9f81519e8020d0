import { readFileSync } from 'node:fs';
import type { QueueClient } from '@azure/storage-queue';
import { html } from '../kit/page.ts';
import { type Call, type LoopbackServer, type Reply, serve } from '../kit/serve.ts';
import { OutlookApi } from './api-client.ts';
import type { CallerProof } from './caller-proof.ts';
import { connectionAction } from './connection-actions.ts';
import { CONNECTIONS_PATH, connectionsPage } from './connections-page.ts';
import { CUSTOMER_OWNED_FIELDS, CUSTOMER_OWNED_PATH, customerOwnedPage } from './customer-owned-page.ts';
import { EVENTS_PATH, EventLog, eventsPage, readEventsNow } from './events-page.ts';
import { readForm } from './form.ts';
import { page, type Shell } from './layout.ts';
import { type Attempt, NO_ATTEMPT, startLink } from './link-form.ts';
import type { Hints } from './link-texts.ts';
import { returnPage } from './return-page.ts';
import { SERVICE_PROVIDER_FIELDS, SERVICE_PROVIDER_PATH, serviceProviderPage } from './service-provider-page.ts';
import { readSession, switchUser } from './session.ts';
import { startPage } from './start-page.ts';
import { LastLinks, stuckNote } from './stuck.ts';

export interface Hire2RetireOptions {
  readonly port?: number;
  /** Asked on each use: the functions' address is known only after this server's, which is one of their settings. */
  readonly api: () => { readonly url: string; readonly proof: CallerProof };
  readonly mailboxUrl?: string;
  /** The queue `outlook-events`. */
  readonly events?: () => Promise<QueueClient>;
  readonly hints?: Hints;
}

/** Starts the pages that stand in for Hire2Retire. */
export function startHire2Retire(options: Hire2RetireOptions): Promise<LoopbackServer> {
  const links = new LastLinks();
  const log = options.events && new EventLog(options.events);
  return serve({
    ...(options.port !== undefined && { port: options.port }),
    // No page posts more than a mail's text.
    maxBody: 1024 * 1024,
    handler: async (call) => {
      const file = staticFile(call);
      if (file) return file;
      const { url, proof } = options.api();
      const shell: Shell = { session: readSession(call), mailboxUrl: options.mailboxUrl };
      const events = log && (await answerEvents(call, shell, log));
      if (events) return events;
      return (await answer(call, shell, new OutlookApi(url, proof), links, options.hints)) ?? notFound(shell);
    },
  });
}

async function answer(
  call: Call,
  shell: Shell,
  api: OutlookApi,
  links: LastLinks,
  hints?: Hints,
): Promise<Reply | undefined> {
  const started = (linkId: string) => links.remember(shell.session, linkId);
  const { pathname, searchParams } = call.url;
  // A browser asks for what HEAD would answer only rarely, but link checkers do.
  const method = call.method === 'HEAD' ? 'GET' : call.method;
  switch (`${method} ${pathname}`) {
    case 'GET /':
      return startPage(asUser(shell, searchParams.get('as')));
    case `GET ${SERVICE_PROVIDER_PATH}`:
      return serviceProviderPage(shell, hints, await firstAttempt(shell, api, links));
    case `POST ${SERVICE_PROVIDER_PATH}`: {
      const values = readForm(call, names(SERVICE_PROVIDER_FIELDS));
      const result = await startLink(api, shell.session, { kind: 'serviceProvider' }, values, started);
      return 'values' in result ? serviceProviderPage(shell, hints, result) : result;
    }
    case `GET ${CUSTOMER_OWNED_PATH}`:
      return customerOwnedPage(shell, hints, await firstAttempt(shell, api, links));
    case `POST ${CUSTOMER_OWNED_PATH}`: {
      const values = readForm(call, names(CUSTOMER_OWNED_FIELDS));
      const { clientId = '', clientSecret = '', tenant } = values;
      const application = { kind: 'customerOwned', clientId, clientSecret, ...(tenant && { tenant }) } as const;
      const result = await startLink(api, shell.session, application, values, started);
      return 'values' in result ? customerOwnedPage(shell, hints, result) : result;
    }
    case `GET ${CONNECTIONS_PATH}`:
      return connectionsPage(shell, searchParams, api);
    case 'GET /return':
      return returnPage(shell, searchParams, api);
  }
  const isAction = method === 'POST' && pathname.startsWith(`${CONNECTIONS_PATH}/`);
  return isAction ? connectionAction(shell, call, api) : undefined;
}

/** The form as it is opened; with a word to somebody who is stuck at Microsoft. */
async function firstAttempt({ session }: Shell, api: OutlookApi, links: LastLinks): Promise<Attempt> {
  const note = await stuckNote(api, links.of(session), session);
  return note ? { ...NO_ATTEMPT, alert: note } : NO_ATTEMPT;
}

async function answerEvents({ method, url }: Call, shell: Shell, log: EventLog): Promise<Reply | undefined> {
  if (url.pathname !== EVENTS_PATH) return undefined;
  if (method === 'POST') return readEventsNow(shell, log);
  return method === 'GET' || method === 'HEAD' ? eventsPage(shell, log) : undefined;
}

/** `/?as=bob` signs in as somebody else: another session from then on. */
function asUser(shell: Shell, user: string | null): Shell {
  const session = user === null || user === shell.session.user ? undefined : switchUser(user);
  return session ? { ...shell, session } : shell;
}

function names(fields: readonly { readonly name: string }[]): readonly string[] {
  return fields.map(({ name }) => name);
}

function notFound(shell: Shell): Reply {
  return page(shell, {
    title: 'Not found',
    status: 404,
    content: html`<h1>Not found</h1><p>There is no such page. <a href="/">Start here</a></p>`,
  });
}

const FILES: Readonly<Record<string, { readonly type: string; readonly content: Buffer }>> = {
  '/style.css': { type: 'text/css; charset=utf-8', content: read('style.css') },
  '/icon.svg': { type: 'image/svg+xml', content: read('icon.svg') },
};

function read(name: string): Buffer {
  return readFileSync(new URL(name, import.meta.url));
}

function staticFile({ method, url }: Call): Reply | undefined {
  const file = method === 'GET' && Object.hasOwn(FILES, url.pathname) ? FILES[url.pathname] : undefined;
  return (
    file && {
      status: 200,
      headers: { 'content-type': file.type, 'cache-control': 'max-age=300', 'x-content-type-options': 'nosniff' },
      body: file.content,
    }
  );
}
