import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVICE_PROVIDER_SECRET } from '../../sandbox/start/settings.ts';
import type { Connection, LinkState } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { comeBack, linkMailbox, proof, startLink } from './support/link.ts';
import { CUSTOMER, connectionPath } from './support/mails.ts';
import { until } from './support/until.ts';

const FEDERATED = { SERVICE_PROVIDER_CREDENTIAL: 'federated', SERVICE_PROVIDER_SECRET_NAME: '' };
const mail = (mailId: string) => ({
  mailId,
  to: ['ada@example.com'],
  subject: mailId,
  body: { contentType: 'text', content: 'Hello' },
});
const confirmPath = (linkId: string) => `/auth/link/Outlook/${linkId}/confirm`;

describe('RoboMQ’s application without a secret', () => {
  let flow: Flow;
  beforeAll(async () => {
    flow = await startFlow({ environment: FEDERATED });
  });
  afterAll(() => flow?.close());

  const tokenRequests = async () =>
    (await flow.requests('identity')).filter(({ path }) => path.endsWith('/oauth2/v2.0/token'));
  const statusOf = async (connectionId: string) =>
    (await flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId))).status;
  /** The access tokens in memory go with the worker. */
  const forgetTokens = () => flow.control('host/renew', {});

  it('links and sends, and no secret is read or sent', async () => {
    const connectionId = await linkMailbox(flow, 'hr@acme.example');
    await forgetTokens();
    await flow.mails.submit(connectionId, mail('one'));
    await flow.mails.reaches(connectionId, 'one', 'accepted');
    await flow.mails.arrives('one');

    const bodies = (await tokenRequests()).map(({ body }) => body);
    const grants = bodies.map((body) => new URLSearchParams(body).get('grant_type'));
    expect(new Set(grants)).toEqual(new Set(['authorization_code', 'refresh_token']));
    for (const body of bodies) {
      expect(body).toContain('client_assertion=');
      expect(body).not.toContain('client_secret');
    }
    const read = (await flow.requests('keyVault')).filter(({ path }) => path.includes(SERVICE_PROVIDER_SECRET));
    expect(read).toEqual([]);
  });

  it('whose identity is no longer the one that is trusted: links fail and say so, mail waits, nothing dies', async () => {
    const connectionId = await linkMailbox(flow, 'payroll@acme.example');
    await forgetTokens();
    flow.sandbox.identity.trustSubject('0ddba110-0000-4000-8000-000000000001');

    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'hr@acme.example');
    const problem = await flow.api.expect(409, 'POST', confirmPath(linkId), { body: proof(back) });
    expect(problem.error).toMatchObject({ code: 'service_provider_credential_refused', whoActs: 'robomq' });
    const state = await flow.api.expect<LinkState>(200, 'GET', `/auth/link/Outlook/${linkId}?customerId=${CUSTOMER}`);
    expect(state).toMatchObject({ state: 'failed', error: { code: 'service_provider_credential_refused' } });

    await flow.mails.submit(connectionId, mail('two'));
    const isAlert = (line: string) =>
      line.includes('service_provider_credential_refused') && line.includes(connectionId);
    await until('the alert', () => flow.sandbox.logs.some(isAlert));
    expect(await statusOf(connectionId)).toBe('connected');

    await flow.control('identity/restore', {});
    await flow.mails.reaches(connectionId, 'two', 'accepted');
    expect(await statusOf(connectionId)).toBe('connected');
  });
});

it('a managed identity that does not answer: the confirm is 503 and takes no code', async () => {
  const nowhere = { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi/token' };
  const flow = await startFlow({ environment: { ...FEDERATED, ...nowhere } });
  try {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'hr@acme.example');
    const problem = await flow.api.expect(503, 'POST', confirmPath(linkId), { body: proof(back) });
    expect(problem.code).toBe('service_unavailable');
    const state = await flow.api.expect<LinkState>(200, 'GET', `/auth/link/Outlook/${linkId}?customerId=${CUSTOMER}`);
    expect(state).toEqual({ linkId, state: 'authorized' });
    expect((await flow.requests('identity')).filter(({ path }) => path.endsWith('/token'))).toEqual([]);
  } finally {
    await flow.close();
  }
});
