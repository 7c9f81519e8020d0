import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, List, Problem } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { connectionOn, signIn } from './support/link.ts';
import { CUSTOMER, connectionPath } from './support/mails.ts';
import { mail } from './support/messages.ts';
import { QUICK } from './support/quick.ts';
import { until } from './support/until.ts';

interface Application {
  readonly clientId: string;
  readonly status: string;
  readonly reason?: string;
  readonly secretExpiresOn: string;
}

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 2, environment: QUICK });
});
afterAll(() => flow?.close());

async function linkThroughOwnApplication(address: string): Promise<string> {
  const { clientId, clientSecret } = flow.sandbox.info.customerOwned;
  const browser = flow.browser();
  const tab = await browser.open(`${flow.sandbox.info.hire2retire}/customer-owned`);
  const signInPage = await browser.click(tab, 'Link account', { clientId, clientSecret });
  return connectionOn(await signIn(browser, signInPage, address), address);
}

const applications = () =>
  flow.api.expect<List<Application>>(200, 'GET', `/customers/${CUSTOMER}/applications`).then(({ items }) => items);
const statusOf = async (connectionId: string) =>
  (await flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId))).status;
const path = (clientId: string) => `/customers/${CUSTOMER}/applications/${clientId}/secret`;

describe('a customer’s application whose client secret expired', () => {
  it('shuts every mailbox that is linked through it, and one rotation opens them all', async () => {
    const { clientId } = flow.sandbox.info.customerOwned;
    const [one, two] = [
      await linkThroughOwnApplication('sender-1@acme.example'),
      await linkThroughOwnApplication('sender-2@acme.example'),
    ];
    await flow.control('identity/expire-secret', { clientId });
    // A new instance has no access token in memory.
    await flow.control('host/renew', {});
    const [first, second] = [mail(), mail()];
    await flow.mails.submit(one, first);
    await flow.mails.reaches(one, first.mailId, 'held');
    await until('the other mailbox follows', async () => (await statusOf(two)) === 'broken');
    expect(await statusOf(one)).toBe('broken');
    expect(await applications()).toMatchObject([{ clientId, status: 'broken', reason: 'secret_expired' }]);
    await flow.events.tells('application.broken', { clientId });
    await flow.mails.submit(two, second);

    const wrong = await flow.api.expect<Problem>(409, 'PUT', path(clientId), {
      body: { clientSecret: 'Not~a.secret-of-this-application' },
    });
    expect(wrong.code).toBe('secret_wrong');
    expect(await statusOf(one)).toBe('broken');

    const clientSecret = 'Rotated~secret.of-the-sandbox-01';
    flow.sandbox.identity.addSecret(clientId, clientSecret);
    const body = { clientSecret, clientSecretExpiresOn: '2028-11-01' };
    expect(await flow.api.expect<Application>(200, 'PUT', path(clientId), { body })).toMatchObject({
      clientId,
      status: 'working',
      secretExpiresOn: '2028-11-01',
    });
    await flow.mails.reaches(one, first.mailId, 'accepted');
    await flow.mails.reaches(two, second.mailId, 'accepted');
    await flow.events.tells('connection.resumed', { connectionId: two });
    expect([await statusOf(one), await statusOf(two)]).toEqual(['connected', 'connected']);
  });

  it('is not found under another customer, and takes no secret that is the ID of one', async () => {
    const { clientId } = flow.sandbox.info.customerOwned;
    const body = { clientSecret: 'Another~secret.of-nobody-0000001' };
    const foreign = await flow.api.expect<Problem>(404, 'PUT', `/customers/globex/applications/${clientId}/secret`, {
      body,
    });
    expect(foreign.code).toBe('not_found');
    const id = { clientSecret: '11111111-2222-4333-8444-555555555555' };
    expect((await flow.api.expect<Problem>(400, 'PUT', path(clientId), { body: id })).code).toBe('secret_is_id');
  });
});
