import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../flow/support/api.ts';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { comeBack, proof, startLink } from '../flow/support/link.ts';
import { authorize, confirmPath, freeSlots, mailboxesOf, redemptions, send, stateOf } from './support/victim.ts';

const VICTIM = 'payroll@acme.example';

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 4 });
});
afterEach(() => freeSlots(flow));
afterAll(() => flow?.close());

const confirm = (linkId: string, body: object) => flow.api.expect(409, 'POST', confirmPath(linkId), { body });

describe('a victim is lured to the link URL of an attacker', () => {
  it.each([
    ['of the same customer', { customerId: 'acme', startedBy: 'session-of-victim' }],
    ['of another customer', { customerId: 'globex', startedBy: 'session-of-victim' }],
    ['of another customer, with a session id like the attacker’s', { customerId: 'globex' }],
  ])('%s: nothing is redeemed, the attacker gets nothing, and it is a security event', async (_, session) => {
    const attackers = await startLink(flow);
    const before = await redemptions(flow);
    // The victim runs the whole flow in their own browser, so state, cookie and PKCE are all as they should be.
    const back = await comeBack(flow.browser(), attackers.linkUrl, VICTIM);
    // Hire2Retire's page confirms with the session that it finds: the victim's.
    expect((await confirm(attackers.linkId, proof(back, session))).code).toBe('link_wrong_session');
    expect(await redemptions(flow)).toBe(before);
    expect(await stateOf(flow, attackers.linkId)).toMatchObject({
      state: 'failed',
      error: { code: 'link_wrong_session' },
    });
    // The attacker cannot confirm either, should they learn the confirmation: the code is destroyed.
    expect((await confirm(attackers.linkId, proof(back))).code).toBe('link_wrong_session');
    expect(await redemptions(flow)).toBe(before);
    expect(await mailboxesOf(flow, 'acme')).not.toContain(VICTIM);
    expect(flow.sandbox.keyVault.snapshot().filter(({ tags }) => tags['kind'] === 'refresh-token')).toEqual([]);
    expect(
      flow.sandbox.logs.some((line) => line.includes('security.link_wrong_session') && line.includes(attackers.linkId)),
    ).toBe(true);
  });

  it('who opened it first themselves: the victim’s browser is not the one', async () => {
    const attackers = await startLink(flow);
    await flow.browser().open(attackers.linkUrl);
    const page = await flow.browser().open(attackers.linkUrl);
    expect([page.status, page.forms]).toEqual([409, []]);
  });

  it('with the authorization request itself instead: the victim’s browser has no cookie', async () => {
    const attackers = await startLink(flow);
    const { location } = await send(attackers.linkUrl);
    const victim = flow.browser();
    const tile = await victim.click(await victim.open(location ?? ''), VICTIM);
    const page = await victim.click(tile, 'Accept');
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('This link is not valid')]);
    expect((await stateOf(flow, attackers.linkId)).state).toBe('opened');
  });

  it('and is asked to choose an account every time: no single click links anything', async () => {
    const { linkUrl } = await startLink(flow);
    const { location } = await send(linkUrl);
    const asked = new URL(location ?? '').searchParams;
    expect(asked.get('prompt')).toBe('select_account');
    expect(asked.get('code_challenge_method')).toBe('S256');
    expect(asked.get('response_mode')).toBe('query');
    expect(asked.get('scope')?.split(' ').sort()).toEqual([
      'https://graph.microsoft.com/Mail.Send',
      'offline_access',
      'openid',
      'profile',
    ]);
  });
});

describe('a confirmation', () => {
  it('used again, by the right session: the same connection, nothing redeemed', async () => {
    const { linkId, back } = await authorize(flow, 'sender-1@acme.example');
    const first = await flow.api.expect<Connection>(201, 'POST', confirmPath(linkId), { body: proof(back) });
    const before = await redemptions(flow);
    const again = await flow.api.expect<Connection>(200, 'POST', confirmPath(linkId), { body: proof(back) });
    expect(again.connectionId).toBe(first.connectionId);
    expect(await redemptions(flow)).toBe(before);
  });

  it('used again, by another session: refused, and nobody loses the connection', async () => {
    const { linkId, back } = await authorize(flow, 'sender-1@acme.example');
    const { connectionId } = await flow.api.expect<Connection>(201, 'POST', confirmPath(linkId), { body: proof(back) });
    const problem = await confirm(linkId, proof(back, { startedBy: 'session-of-mallory' }));
    expect(problem.code).toBe('link_wrong_session');
    expect(JSON.stringify(problem)).not.toContain(connectionId);
    expect((await stateOf(flow, linkId)).state).toBe('connected');
    expect(await mailboxesOf(flow, 'acme')).toContain('sender-1@acme.example');
  });

  it('guessed, or another token in its place: nothing changes', async () => {
    const { linkId, back, linkUrl, browser } = await authorize(flow, 'sender-2@acme.example');
    const other = await authorize(flow, 'sender-3@acme.example');
    const callback = browser.history.find(({ url }) => url.includes('/auth/callback/'))?.url ?? '';
    const right = back.get('confirmation') ?? '';
    for (const confirmation of [
      new URL(callback).searchParams.get('state'),
      new URL(linkUrl).searchParams.get('ticket'),
      other.back.get('confirmation'),
      // The right secret, said to be of another link, and the other way round.
      right.replace(linkId, other.linkId),
      (other.back.get('confirmation') ?? '').replace(other.linkId, linkId),
      right.split('.')[1],
      `${right}.`,
      ` ${right}`,
      right.toUpperCase(),
      '__proto__',
      linkId,
    ]) {
      const problem = await confirm(linkId, proof(back, { confirmation }));
      expect([confirmation, problem.code]).toEqual([confirmation, 'link_not_authorized']);
    }
    expect((await stateOf(flow, linkId)).state).toBe('authorized');
    await flow.api.expect(201, 'POST', confirmPath(linkId), { body: proof(back) });
  });

  it('of one link at the path of another: nothing changes for either', async () => {
    const [one, two] = [
      await authorize(flow, 'sender-2@acme.example'),
      await authorize(flow, 'sender-3@acme.example', { customerId: 'globex' }),
    ];
    expect((await confirm(one.linkId, proof(two.back))).code).toBe('link_not_authorized');
    const foreign = proof(one.back, { customerId: 'globex' });
    await flow.api.expect(404, 'POST', confirmPath('lnk_'.padEnd(36, '0')), { body: foreign });
    expect((await stateOf(flow, one.linkId)).state).toBe('authorized');
    expect((await stateOf(flow, two.linkId, 'globex')).state).toBe('authorized');
  });

  it('a session that is none, that is a list, or that differs in a capital: not the one that started', async () => {
    for (const startedBy of ['', ['session-of-ada'], { toString: 'session-of-ada' }, null, 'half-\ud800']) {
      const { linkId, back } = await authorize(flow, 'sender-4@acme.example');
      const problem = await flow.api.expect(400, 'POST', confirmPath(linkId), { body: proof(back, { startedBy }) });
      expect(problem.code).toBe('invalid_request');
      expect((await stateOf(flow, linkId)).state).toBe('authorized');
      await freeSlots(flow);
    }
    for (const startedBy of ['Session-of-ada', 'session-of-ada ', 'session-of-ada\u0000', 'ѕession-of-ada']) {
      const { linkId, back } = await authorize(flow, 'sender-4@acme.example');
      expect((await confirm(linkId, proof(back, { startedBy }))).code).toBe('link_wrong_session');
      await freeSlots(flow);
    }
  });

  it('before anybody signed in: there is nothing to confirm', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    await flow.browser().open(linkUrl);
    const body = proof(new URLSearchParams({ confirmation: `${linkId}.${'A'.repeat(43)}` }));
    expect((await confirm(linkId, body)).code).toBe('link_not_authorized');
  });
});

describe('the row of a link, read by somebody who may read the tables', () => {
  it('redeems nothing: code, verifier, confirmation and session are not in it', async () => {
    const { linkId, back, browser } = await authorize(flow, 'sender-2@acme.example');
    const row = JSON.stringify(await flow.table('links').getEntity(linkId, 'link'));
    const callback = browser.history.find(({ url }) => url.includes('/auth/callback/'))?.url ?? '';
    const query = new URL(callback).searchParams;
    for (const secret of [
      query.get('code'),
      back.get('confirmation')?.split('.')[1],
      'session-of-ada',
      query.get('state')?.split('.')[1],
    ])
      expect(row).not.toContain(secret);
  });
});
