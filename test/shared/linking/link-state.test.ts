import { describe, expect, test } from 'vitest';
import { DAY, MINUTE } from '../../../shared/clock.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { getLink } from '../../../shared/linking/link-state.ts';
import { tidyLink } from '../../../shared/linking/settle-link.ts';
import { FakeApp } from '../../fakes/app.ts';
import { ACME_TENANT } from '../../fakes/microsoft.ts';
import { killedAt } from './crash.ts';
import { Browser, codeOf, confirm, customerOwned, errorOf, expectTidy, passHours } from './support.ts';

const stateOf = (fake: FakeApp, linkId: string, customerId = 'acme') =>
  getLink(fake.app.linking, linkId, customerId, fake.invocation());

/** A confirm that died with its token redeemed and stored, and nothing made of it. */
async function diesRedeemed(fake: FakeApp, back: { linkId: string; confirmation: string }): Promise<void> {
  await killedAt(fake, 3, 'after', () => confirm(fake, back));
  expect((await fake.app.linking.links.get(back.linkId))?.state).toBe('redeemed');
}

describe('the state of a link', () => {
  test('follows the person: started, opened, authorized, connected', async () => {
    const fake = new FakeApp();
    const browser = new Browser(fake);
    const { linkId, linkUrl } = await fake.start();
    expect(await stateOf(fake, linkId)).toEqual({ linkId, state: 'started' });
    const query = await browser.signIn(linkUrl);
    expect(await stateOf(fake, linkId)).toEqual({ linkId, state: 'opened' });
    const result = await browser.callback(query);
    expect(await stateOf(fake, linkId)).toEqual({ linkId, state: 'authorized' });
    if (result.kind !== 'redirect') throw new Error();
    const confirmation = new URL(result.location).searchParams.get('confirmation') ?? '';
    const { connectionId } = (await confirm(fake, { linkId, confirmation })).connection;
    expect(await stateOf(fake, linkId)).toEqual({ linkId, state: 'connected', connectionId });
  });

  test('is another customer’s secret', async () => {
    const fake = new FakeApp();
    const { linkId } = await fake.start();
    expect(await codeOf(stateOf(fake, linkId, 'other'))).toBe('not_found');
    expect(await codeOf(stateOf(fake, 'c|acme'))).toBe('not_found');
  });

  test('shows `authorized` while the code is redeemed', async () => {
    const fake = new FakeApp();
    const back = await fake.authorize();
    await killedAt(fake, 1, 'after', () => confirm(fake, back));
    expect((await fake.app.linking.links.get(back.linkId))?.state).toBe('redeeming');
    expect(await stateOf(fake, back.linkId)).toEqual({ linkId: back.linkId, state: 'authorized' });
    fake.clock.advance(3 * MINUTE);
    expect(await stateOf(fake, back.linkId)).toMatchObject({ state: 'failed', error: { code: 'interrupted' } });
    await expectTidy(fake);
  });

  test.each([[{}], [customerOwned()]])('rolls a redeemed link forward without Microsoft', async (request) => {
    const fake = new FakeApp();
    const back = await fake.authorize(request);
    await diesRedeemed(fake, back);
    expect(await stateOf(fake, back.linkId)).toMatchObject({ state: 'connected' });
    expect(fake.identity.redeemed).toHaveLength(1);
    await expectTidy(fake);
  });

  test('of a redeemed link whose connection was unlinked is `failed`, not an error of the query', async () => {
    const fake = new FakeApp();
    const { connectionId } = (await fake.link()).connection;
    const back = await fake.authorize({ connectionId });
    await diesRedeemed(fake, back);
    await unlinkConnection(fake.app.connections, 'acme', connectionId, fake.invocation());
    expect(await stateOf(fake, back.linkId)).toMatchObject({ state: 'failed', error: { code: 'connection_unlinked' } });
    expect(fake.secrets.kept.size).toBe(0);
    await tidyLink(fake.app.linking, back.linkId, fake.invocation());
  });

  test.each([
    ['that nobody opened', 30, async (fake: FakeApp) => (await fake.start(customerOwned())).linkId],
    ['that nobody confirmed', 5, async (fake: FakeApp) => (await fake.authorize(customerOwned())).linkId],
  ])('of a link %s is `expired` with everything that people need to know', async (_, minutes, begin) => {
    const fake = new FakeApp();
    const linkId = await begin(fake);
    fake.clock.advance(minutes * MINUTE - 1);
    expect(await stateOf(fake, linkId)).not.toHaveProperty('error');
    fake.clock.advance(1);
    const shown = await stateOf(fake, linkId);
    expect(shown).toEqual({
      linkId,
      state: 'expired',
      error: {
        code: 'link_expired',
        person: expect.any(String),
        operator: expect.any(String),
        whoActs: 'user',
        action: expect.any(String),
      },
    });
    expect(fake.secrets.kept.size).toBe(0);
  });

  test('tells when another account signed in than the hint said', async () => {
    const fake = new FakeApp();
    const back = await fake.authorize({ loginHint: 'other@acme.example' });
    await confirm(fake, back);
    expect(await stateOf(fake, back.linkId)).toMatchObject({ state: 'connected', mailboxDiffers: true });
    const same = await fake.authorize({ loginHint: 'HR@acme.example' });
    await confirm(fake, same);
    expect(await stateOf(fake, same.linkId)).not.toHaveProperty('mailboxDiffers');
  });

  test('never shows a name of a secret, a hash or a session', async () => {
    const fake = new FakeApp();
    const back = await fake.authorize(customerOwned());
    await codeOf(confirm(fake, back, { startedBy: 'eve' }));
    expect(JSON.stringify(await stateOf(fake, back.linkId))).not.toMatch(/client-secret-|refresh-token-|Hash|sealed/);
  });
});

test('an approval that is needed comes with the tenant’s own address and a text for IT', async () => {
  const fake = new FakeApp();
  const back = await fake.authorize({ loginHint: 'hr@acme.example' });
  fake.identity.failures.push({ error: 'invalid_grant', suberror: 'consent_required', number: 65001 });
  const problem = await errorOf(confirm(fake, back));
  const { error } = await stateOf(fake, back.linkId);
  expect(problem.options.members?.['error']).toEqual(error);
  const url = new URL(error?.adminConsentUrl ?? '');
  expect(url.pathname).toBe(`/${ACME_TENANT}/v2.0/adminconsent`);
  expect(url.searchParams.get('scope')).toBe('https://graph.microsoft.com/Mail.Send offline_access openid profile');
  expect(url.searchParams.get('redirect_uri')).toBe('https://hire2retire.example/api/auth/callback/Outlook');
  expect(url.searchParams.has('state')).toBe(false);
  expect(error?.textForIt).toContain(error?.adminConsentUrl);
});

describe('the scan', () => {
  test('forgets an ended link after a week, and not before', async () => {
    const fake = new FakeApp();
    const { linkId } = (await fake.link()).link;
    const failed = await fake.authorize();
    await codeOf(confirm(fake, failed, { startedBy: 'eve' }));
    fake.clock.advance(7 * DAY - 61 * MINUTE);
    await passHours(fake, 1);
    expect(await fake.app.linking.links.get(linkId)).toBeDefined();
    await passHours(fake, 1);
    expect(await fake.app.linking.links.get(linkId)).toBeUndefined();
    expect(await fake.app.linking.links.get(failed.linkId)).toBeUndefined();
    await expectTidy(fake);
  });

  test('finds every link that has something to do, over pages', async () => {
    const fake = new FakeApp();
    for (let n = 0; n < 7; n += 1) await fake.start({ customerId: `c${n}` });
    fake.clock.advance(33 * MINUTE);
    const found: string[] = [];
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await fake.app.linking.links.stale(3, after);
      found.push(...page.linkIds);
      after = page.next;
    }
    expect(new Set(found).size).toBe(7);
  });

  test('leaves a link alone that lives', async () => {
    const fake = new FakeApp();
    await fake.start();
    expect((await fake.app.linking.links.stale(10)).linkIds).toEqual([]);
  });
});
