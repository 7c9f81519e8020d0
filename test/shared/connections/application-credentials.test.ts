import { expect, test } from 'vitest';
import { HOUR } from '../../../shared/clock.ts';
import { ApplicationCredentials } from '../../../shared/connections/application-credentials.ts';
import { FakeApp } from '../../fakes/app.ts';

const tags = (customer: string) => ({ kind: 'client-secret', customer, application: 'app' }) as const;

function world() {
  const fake = new FakeApp();
  return { fake, credentials: new ApplicationCredentials(fake.config, fake.secrets, fake.clock) };
}

test('a secret is read once and kept for twelve hours', async () => {
  const { fake, credentials } = world();
  await fake.secrets.set('s', 'value', tags('acme'));
  for (let n = 0; n < 3; n += 1)
    expect(await credentials.customerOwned('acme', 'app', 's')).toEqual({
      clientId: 'app',
      proof: { kind: 'secret', value: 'value' },
    });
  expect(fake.secrets.reads).toBe(1);
  fake.clock.advance(12 * HOUR);
  await credentials.customerOwned('acme', 'app', 's');
  expect(fake.secrets.reads).toBe(2);
});

test('all who ask at once share one read; who was refused reads for itself', async () => {
  const { fake, credentials } = world();
  await fake.secrets.set('s', 'value', tags('acme'));
  const asked = Array.from({ length: 24 }, () => credentials.customerOwned('acme', 'app', 's'));
  expect(new Set((await Promise.all(asked)).map((each) => JSON.stringify(each?.proof))).size).toBe(1);
  expect(fake.secrets.reads).toBe(1);
  await Promise.all([1, 2].map(() => credentials.customerOwned('acme', 'app', 's', true)));
  expect(fake.secrets.reads).toBe(3);
});

test('what was read for one customer is not found by another that names the same secret', async () => {
  const { fake, credentials } = world();
  await fake.secrets.set('s', 'value', tags('acme'));
  await credentials.customerOwned('acme', 'app', 's');
  expect(await credentials.customerOwned('evil', 'app', 's')).toBeUndefined();
  expect(await credentials.customerOwned('acme', 'other-app', 's')).toBeUndefined();
});

test('a missing secret is asked for again', async () => {
  const { fake, credentials } = world();
  expect(await credentials.customerOwned('acme', 'app', 's')).toBeUndefined();
  await fake.secrets.set('s', 'value', tags('acme'));
  expect(await credentials.customerOwned('acme', 'app', 's')).toBeDefined();
});

test('with a federated credential the vault is never asked', async () => {
  const { fake, credentials } = world();
  expect((await credentials.serviceProvider(true))?.proof).toEqual({ kind: 'federated' });
  expect(fake.secrets.reads).toBe(0);
});
