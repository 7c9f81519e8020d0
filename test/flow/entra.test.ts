import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenProof } from '../../sandbox/hire2retire/caller-proof.ts';
import type { Connection, List, Mail, Problem } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { comeBack, linkMailbox, linkRequest, linkThroughPages, proof, signIn, startLink } from './support/link.ts';
import { CUSTOMER, connectionPath } from './support/mails.ts';

/** The API with callers that prove themselves by a token: `API_AUTH=entra`, and nothing else is set. */
let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ environment: { API_AUTH: 'entra' } });
});
afterAll(() => flow?.close());

const bearer = (token: string) => ({ key: undefined, headers: { authorization: `Bearer ${token}` } });

/** A token of the identity platform for an application of the directory. */
async function tokenOf(
  name: keyof Flow['sandbox']['directory']['applications'],
  tenant: string,
  scope: string,
): Promise<string> {
  const { clientId, clientSecret } = flow.sandbox.directory.applications[name];
  const tokenUrl = `${flow.sandbox.identity.url}/${tenant}/oauth2/v2.0/token`;
  const headers = await tokenProof(() => ({ tokenUrl, clientId, clientSecret, scope }))();
  return String(headers['authorization']).replace('Bearer ', '');
}

const api = () => flow.sandbox.directory.api;
const scope = () => `${api().clientId}/.default`;

/** What every route answers to whoever is not let in. */
async function refused(options: Parameters<Flow['api']['call']>[2], query = ''): Promise<Problem> {
  const answers = await Promise.all(
    [
      ['GET', `/customers/${CUSTOMER}/connections`],
      ['POST', '/auth/link/Outlook'],
      ['DELETE', connectionPath('con_0')],
      ['POST', `${connectionPath('con_0')}/mails`],
    ].map(([method = '', path = '']) => flow.api.call(method, `${path}${query}`, options)),
  );
  for (const { request, status, headers } of answers) {
    expect([request, status]).toEqual([request, 401]);
    expect(headers.get('www-authenticate')).toBe('Bearer');
    expect(headers.get('content-type')).toBe('application/problem+json');
  }
  const [first] = answers.map(({ text }) => JSON.parse(text) as Problem);
  if (!first) throw new Error('nothing was asked');
  expect(Object.keys(first).sort()).toEqual(['code', 'correlationId', 'detail', 'status', 'title', 'type']);
  expect(first.code).toBe('unauthorized');
  return first;
}

const logged = (reason: string) =>
  flow.sandbox.logs.some((line) => line.includes('api.token_refused') && line.includes(`"reason":"${reason}"`));

describe('with a token, as Hire2Retire’s server gets it', () => {
  it('a mailbox is linked through the pages, listed and sent through', async () => {
    const connectionId = await linkThroughPages(flow, 'hr@acme.example');
    const { items } = await flow.api.expect<List<Connection>>(200, 'GET', `/customers/${CUSTOMER}/connections`);
    expect(items).toMatchObject([{ connectionId, status: 'connected' }]);

    const mailId = 'by-token';
    const content = { to: ['ada@example.com'], subject: mailId, body: { contentType: 'text', content: 'Hello' } };
    await flow.mails.submit(connectionId, { mailId, ...content });
    await flow.mails.reaches(connectionId, mailId, 'accepted');
    await flow.mails.arrives(mailId);
    const mails = await flow.api.expect<List<Mail>>(200, 'GET', `${connectionPath(connectionId)}/mails`);
    // The other one is the return page's test.
    expect(mails.items.filter((each) => each.mailId === mailId)).toMatchObject([{ state: 'accepted' }]);
  });

  it('a link is started, gone through and confirmed by program', async () => {
    const { linkId, linkUrl } = await startLink(flow, { expectedMailbox: 'payroll@acme.example' });
    const back = await comeBack(flow.browser(), linkUrl, 'payroll@acme.example');
    const path = `/auth/link/Outlook/${linkId}/confirm`;
    const connection = await flow.api.expect<Connection>(201, 'POST', path, { body: proof(back) });
    expect(connection).toMatchObject({ status: 'connected', mailbox: { signInName: 'payroll@acme.example' } });
  });

  it('the keys are the tenant’s, and were fetched once', async () => {
    const fetched = (await flow.requests('identity')).filter(({ path }) => path.endsWith('/keys'));
    expect(fetched.map(({ path }) => path)).toEqual([`/${api().tenantId}/discovery/v2.0/keys`]);
  });

  it('an admin in the portal, who adds a token to what the portal sends', async () => {
    const { functionKey } = flow.sandbox.info;
    const path = `/customers/${CUSTOMER}/connections?customerId=${CUSTOMER}`;
    await flow.api.expect(200, 'GET', path, { headers: { 'x-functions-key': functionKey } });
  });

  it('a key in the URL is refused all the same', async () => {
    const path = `/customers/${CUSTOMER}/connections?code=${flow.sandbox.info.functionKey}`;
    expect((await flow.api.expect(400, 'GET', path)).code).toBe('key_in_url');
  });
});

describe('is not let in', () => {
  const nothing = { key: undefined };

  it('nobody without a token', async () => {
    await refused(nothing);
    expect(logged('missing')).toBe(true);
  });

  it('whoever has the function key, which opens nothing here', async () => {
    const { functionKey } = flow.sandbox.info;
    await refused({ key: functionKey });
    await refused(nothing, `?code=${functionKey}`);
  });

  it('a token in the query', async () => {
    await refused(nothing, `?access_token=${await tokenOf('hire2retire', api().tenantId, scope())}`);
  });

  it('an application of another tenant, though it holds the role there', async () => {
    const [acme] = flow.sandbox.directory.tenants;
    await refused(bearer(await tokenOf('customerOwned', acme?.id ?? '', scope())));
    expect(logged('issuer')).toBe(true);
  });

  it('an application without the role', async () => {
    await refused(bearer(await tokenOf('serviceProvider', api().tenantId, scope())));
    expect(logged('role_missing')).toBe(true);
  });

  it('a token for another audience', async () => {
    const graph = 'https://graph.microsoft.com/.default';
    await refused(bearer(await tokenOf('hire2retire', api().tenantId, graph)));
    expect(logged('audience')).toBe(true);
  });

  it('a person, with what a sign-in yields', async () => {
    const { clientId, clientSecret } = flow.sandbox.directory.applications.serviceProvider;
    const { url } = flow.sandbox.identity;
    const redirectUri = `${flow.sandbox.settings['PUBLIC_BASE_URL']}/api/auth/callback/Outlook`;
    const asked = {
      client_id: clientId,
      redirect_uri: redirectUri,
      scope: 'https://graph.microsoft.com/Mail.Send openid',
    };
    const query = new URLSearchParams({ ...asked, response_type: 'code', state: 'any' });
    const browser = flow.browser();
    const page = await browser.open(`${url}/organizations/oauth2/v2.0/authorize?${query}`);
    const back = await signIn(browser, page, 'hr@acme.example', '/callback/');
    const code = new URL(back.location ?? '').searchParams.get('code') ?? '';
    const form = { ...asked, grant_type: 'authorization_code', client_secret: clientSecret, code };
    const body = new URLSearchParams(form);
    const response = await fetch(`${url}/organizations/oauth2/v2.0/token`, { method: 'POST', body });
    const tokens = (await response.json()) as Record<string, string>;
    for (const name of ['access_token', 'id_token']) await refused(bearer(tokens[name] ?? ''));
  });

  it('a token of nobody’s making', async () => {
    for (const text of ['x', 'a.b.c', `${'a'.repeat(5_000)}`]) await refused(bearer(text));
    expect(logged('malformed')).toBe(true);
  });

  it('two Authorization headers, even when one of them is right', async () => {
    const right = await tokenOf('hire2retire', api().tenantId, scope());
    const { port } = new URL(flow.sandbox.info.api);
    const status = await new Promise((resolve, reject) => {
      const headers = ['host', `localhost:${port}`, 'authorization', `Bearer ${right}`, 'authorization', 'Bearer x'];
      httpRequest({ port, path: `/api/customers/${CUSTOMER}/connections`, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
    expect(status).toBe(401);
  });

  it('but the browser’s routes and the probe ask for nothing', async () => {
    expect((await flow.api.call('GET', '/health', nothing)).status).toBe(200);
    const { linkUrl } = await startLink(flow);
    const opened = await flow.browser().open(linkUrl, '/oauth2/v2.0/authorize');
    expect(opened.location).toContain('/oauth2/v2.0/authorize');
  });

  it('and no token or key is in any log line', async () => {
    const token = await tokenOf('hire2retire', api().tenantId, scope());
    await flow.api.call('POST', '/auth/link/Outlook', { ...bearer(token), body: linkRequest() });
    const logs = flow.sandbox.logs.join('\n');
    expect(logs).not.toContain(flow.sandbox.info.functionKey);
    expect(logs).not.toContain(token.split('.')[2]);
    expect(logs).not.toMatch(/eyJ[\w-]{20}/);
  });
});

it('settings from outside win: the sandbox speaks for another tenant and audience then', async () => {
  const { customerOwned } = flow.sandbox.info;
  const other = { API_ENTRA_TENANT: customerOwned.tenant, API_ENTRA_AUDIENCE: 'api://outlook-sender' };
  const second = await startFlow({ environment: { API_AUTH: 'entra', ...other } });
  try {
    await linkMailbox(second, 'hr@acme.example');
    const { items } = await second.api.expect<List<Connection>>(200, 'GET', `/customers/${CUSTOMER}/connections`);
    expect(items).toMatchObject([{ status: 'connected' }]);
  } finally {
    await second.close();
  }
});
