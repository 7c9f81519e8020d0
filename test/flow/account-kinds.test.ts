import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, LinkState, Mail, Problem } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { comeBack, proof, startLink } from './support/link.ts';
import { connectionPath } from './support/mails.ts';
import { mail } from './support/messages.ts';
import { QUICK } from './support/quick.ts';

const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';

let flow: Flow;

/** The address of the sandbox's account of a kind. */
const account = (kind: string) => flow.sandbox.info.users.find((user) => user.kind === kind)?.address ?? '';
const stateOf = (linkId: string) =>
  flow.api.expect<LinkState>(200, 'GET', `/auth/link/Outlook/${linkId}?customerId=acme`);

async function confirmed(address: string, changes: object = {}) {
  const { linkId, linkUrl } = await startLink(flow, changes);
  const back = await comeBack(flow.browser(), linkUrl, address);
  const answered = await flow.api.call('POST', `/auth/link/Outlook/${linkId}/confirm`, { body: proof(back) });
  return { linkId, status: answered.status, answer: JSON.parse(answered.text) as Connection & Problem };
}

/** What Microsoft says on a page of its own to whoever picks an account that the application does not take. */
async function refusedByMicrosoft(address: string, changes: object = {}) {
  const { linkId, linkUrl } = await startLink(flow, changes);
  const browser = flow.browser();
  const page = await browser.click(await browser.open(linkUrl), address);
  return { page: page.text, link: await stateOf(linkId), browser, linkUrl, linkId };
}

describe('where RoboMQ’s application takes accounts of organizations', () => {
  beforeAll(async () => {
    flow = await startFlow({ environment: { ...QUICK } });
  });
  afterAll(() => flow?.close());

  it('a guest is told that a guest has no mailbox there, and nothing is kept', async () => {
    const { status, answer } = await confirmed(account('guest'));
    expect([status, answer.code, answer.error]).toEqual([
      409,
      'guest_account',
      expect.objectContaining({
        whoActs: 'user',
        person: expect.stringContaining('a guest has no mailbox there'),
        action: expect.stringContaining('choose an account that belongs to the organization itself'),
      }),
    ]);
    const tokens = flow.sandbox.keyVault.snapshot().filter(({ tags }) => tags['kind'] === 'refresh-token');
    expect(tokens).toEqual([]);
  });

  it('a personal account is stopped by Microsoft’s own page; the same browser can pick another one', async () => {
    const { page, link, browser, linkUrl, linkId } = await refusedByMicrosoft(account('personal'));
    expect(page).toContain('AADSTS500200');
    expect(link.state).toBe('opened');
    const back = await comeBack(browser, linkUrl, account('mailbox'));
    const path = `/auth/link/Outlook/${linkId}/confirm`;
    await flow.api.expect<Connection>(201, 'POST', path, { body: proof(back) });
  });

  it('an account of another organization than the expected mailbox’s is stopped there as well', async () => {
    const expected = { expectedMailbox: account('mailbox') };
    const { page, link } = await refusedByMicrosoft(account('otherTenant'), expected);
    expect([page, link.state]).toEqual([expect.stringContaining('AADSTS50020'), 'opened']);
  });

  it('an account of another organization is welcome where none is expected: it is that organization’s mailbox', async () => {
    const { status, answer } = await confirmed(account('otherTenant'));
    expect([status, answer.mailbox.tenantId]).toEqual([201, 'b0b0b0b0-2222-4222-8222-000000000002']);
  });

  it('an account without a mailbox links, and the test mail tells: no mailbox, and what IT has to do', async () => {
    const { status, answer } = await confirmed(account('noMailbox'));
    expect(status).toBe(201);
    const path = connectionPath(answer.connectionId);
    const test = await flow.api.expect<Mail>(200, 'POST', `${path}/test`, { body: { to: 'ada@example.com' } });
    expect(test.state).toBe('held');
    const shown = await flow.api.expect<Connection>(200, 'GET', path);
    expect(shown).toMatchObject({ status: 'no_mailbox', reason: 'MailboxNotEnabledForRESTAPI' });
    const list = await flow.browser().open(`${flow.sandbox.info.hire2retire}/connections`);
    expect(list.text).toContain('Assign an Exchange Online licence to the account');
  });
});

describe('where RoboMQ’s application takes personal accounts too', () => {
  beforeAll(async () => {
    flow = await startFlow({ environment: { ...QUICK, SERVICE_PROVIDER_AUDIENCE: 'common' } });
  });
  afterAll(() => flow?.close());

  it('a personal account links and sends', async () => {
    const { status, answer } = await confirmed(account('personal'));
    expect([status, answer.mailbox.tenantId]).toEqual([201, CONSUMERS]);
    const { mailId } = await flow.mails.submit(answer.connectionId, mail());
    await flow.mails.reaches(answer.connectionId, mailId, 'accepted');
  });

  it('but not through an application of a customer’s own', async () => {
    const { clientId, clientSecret } = flow.sandbox.info.customerOwned;
    const application = { kind: 'customerOwned', clientId, clientSecret };
    const { page, link } = await refusedByMicrosoft(account('personal'), { application });
    expect([page, link.state]).toEqual([expect.stringContaining('AADSTS500200'), 'opened']);
  });

  it('and not where the mailbox of an organization is expected', async () => {
    const { page } = await refusedByMicrosoft(account('personal'), { expectedMailbox: account('mailbox') });
    expect(page).toContain('AADSTS50020');
  });

  it('an account of an organization links as ever', async () => {
    expect((await confirmed(account('mailbox'))).status).toBe(201);
  });
});
