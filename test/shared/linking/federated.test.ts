import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { FakeApp } from '../../fakes/app.ts';
import { confirm, errorOf } from './support.ts';

/** RoboMQ's application is proven by the managed identity, which is the default. */
async function authorized() {
  const fake = new FakeApp();
  return { fake, back: await fake.authorize() };
}

describe('a managed identity that does not answer', () => {
  test('takes no code: the same confirm works once it is back', async () => {
    const { fake, back } = await authorized();
    fake.identity.identityAnswers = false;
    for (let n = 0; n < 3; n += 1) await expect(confirm(fake, back)).rejects.toThrow(StoreUnavailable);
    expect(fake.identity.redeemed).toEqual([]);
    expect((await fake.app.linking.links.get(back.linkId))?.state).toBe('authorized');

    fake.identity.identityAnswers = true;
    expect((await confirm(fake, back)).connection.status).toBe('connected');
  });

  test('makes mail wait, and changes nobody’s status', async () => {
    const { fake, back } = await authorized();
    const { connection } = await confirm(fake, back);
    fake.app = fake.compose();
    fake.identity.identityAnswers = false;
    const { log } = fake.invocation();
    expect(await fake.app.mail.tokens.get(connection, log)).toEqual({ kind: 'wait', reason: 'store_unavailable' });
    const current = await fake.app.linking.connections.get('acme', connection.connectionId);
    expect(current?.etag).toBe(connection.etag);

    fake.identity.identityAnswers = true;
    fake.clock.advance(MINUTE);
    expect((await fake.app.mail.tokens.get(connection, log)).kind).toBe('token');
  });
});

test.each<[string, object]>([
  ['the subject', { number: 700213 }],
  ['the issuer', { number: 700211 }],
  ['the audience', { number: 700212 }],
  ['the registration, which has no such credential', { number: 70025 }],
  ['something that has no number yet', { number: 799_999 }],
  ['something without a number', {}],
])('an assertion that Microsoft refuses because of %s is RoboMQ’s to repair', async (_what, facts) => {
  const { fake, back } = await authorized();
  fake.identity.failures.push({ error: 'invalid_client', status: 401, ...facts });
  const problem = await errorOf(confirm(fake, back));
  expect(problem.code).toBe('service_provider_credential_refused');
  expect(problem.options.members?.['error']).toMatchObject({ whoActs: 'robomq' });
});
