import { expect, test } from 'vitest';
import { FakeApp } from './app.ts';

test('a link that is gone through to its end makes a working connection', async () => {
  const fake = new FakeApp();
  const { connection, created } = await fake.link();
  expect(created).toBe(true);
  expect(connection).toMatchObject({ customerId: 'acme', status: 'connected', signInName: 'hr@acme.example' });
});
