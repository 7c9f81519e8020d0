import { type AccessToken, ManagedIdentityCredential } from '@azure/identity';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { sandboxDirectory } from '../../sandbox/directory.ts';
import { startManagedIdentity } from '../../sandbox/managed-identity/managed-identity.ts';
import { ClientAssertions } from '../../shared/azure/client-assertions.ts';
import { HOUR, MINUTE, SECOND, systemClock } from '../../shared/clock.ts';
import { StoreUnavailable } from '../../shared/storage/ports.ts';
import { FakeClock } from '../fakes/clock.ts';

const SCOPE = 'api://AzureADTokenExchange/.default';

/** A credential that counts, and whose tokens live a day. */
function world(lifetimeMs = 24 * HOUR) {
  const clock = new FakeClock();
  const state = { calls: 0, lifetimeMs, failure: undefined as Error | undefined };
  const credential = {
    getToken: async (scope: string | string[]): Promise<AccessToken> => {
      state.calls += 1;
      expect(scope).toBe(SCOPE);
      const { calls } = state;
      await Promise.resolve();
      if (state.failure) throw state.failure;
      return { token: `assertion-${calls}`, expiresOnTimestamp: clock.now().getTime() + state.lifetimeMs };
    },
  };
  return { clock, state, assertions: new ClientAssertions(credential, SCOPE, clock) };
}

describe('an assertion', () => {
  test('is fetched once per lifetime, however many ask at once', async () => {
    const { clock, state, assertions } = world();
    const burst = () => Promise.all(Array.from({ length: 50 }, () => assertions.get()));
    expect(new Set(await burst())).toEqual(new Set(['assertion-1']));
    clock.advance(24 * HOUR - 5 * MINUTE - SECOND);
    expect(new Set(await burst())).toEqual(new Set(['assertion-1']));
    expect(state.calls).toBe(1);

    clock.advance(SECOND);
    expect(new Set(await burst())).toEqual(new Set(['assertion-2']));
    expect(state.calls).toBe(2);
  });

  test('that comes with little time left is used to its end, not fetched for every request', async () => {
    const { clock, state, assertions } = world(3 * MINUTE);
    for (let n = 0; n < 10; n += 1) await assertions.get();
    expect(state.calls).toBe(1);
    clock.advance(MINUTE);
    expect(await assertions.get()).toBe('assertion-2');
  });

  test('that cannot be renewed is used while it lasts; the endpoint is asked once a minute', async () => {
    const { clock, state, assertions } = world();
    await assertions.get();
    clock.advance(24 * HOUR - 5 * MINUTE);
    state.failure = new Error('down');
    for (let n = 0; n < 5; n += 1) expect(await assertions.get()).toBe('assertion-1');
    expect(state.calls).toBe(2);
    clock.advance(MINUTE);
    state.failure = undefined;
    expect(await assertions.get()).toBe('assertion-3');
  });

  test('that has expired is used no more: the identity is unavailable, and asked again', async () => {
    const { clock, state, assertions } = world();
    await assertions.get();
    clock.advance(24 * HOUR);
    state.failure = new Error('down');
    const failed = await Promise.allSettled(Array.from({ length: 5 }, () => assertions.get()));
    for (const each of failed) expect(each).toMatchObject({ reason: expect.any(StoreUnavailable) });
    expect(state.calls).toBe(2);
    state.failure = undefined;
    expect(await assertions.get()).toBe('assertion-3');
  });

  test('that is empty is none', async () => {
    const credential = { getToken: async () => null };
    await expect(new ClientAssertions(credential, SCOPE, new FakeClock()).get()).rejects.toThrow(StoreUnavailable);
  });
});

describe('with the Azure SDK', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('the endpoint of the managed identity is asked once by a burst', async () => {
    const directory = sandboxDirectory();
    const endpoint = await startManagedIdentity({ directory });
    for (const [name, value] of Object.entries(endpoint.environment)) vi.stubEnv(name, value);
    const credential = new ManagedIdentityCredential({ clientId: directory.managedIdentity.clientId });
    const assertions = new ClientAssertions(credential, SCOPE, systemClock);
    const tokens = await Promise.all(Array.from({ length: 10 }, () => assertions.get()));
    expect(new Set(tokens).size).toBe(1);
    expect(endpoint.accepts(tokens[0] ?? '', 'api://AzureADTokenExchange')).toBe(true);
    expect(endpoint.asked('api://AzureADTokenExchange')).toBe(1);
    await endpoint.close();
  });

  test('an endpoint that nobody answers at is unavailable, and refuses nothing', async () => {
    vi.stubEnv('IDENTITY_ENDPOINT', 'http://127.0.0.1:1/msi/token');
    vi.stubEnv('IDENTITY_HEADER', 'x');
    const options = { clientId: crypto.randomUUID(), retryOptions: { maxRetries: 0 } };
    const assertions = new ClientAssertions(new ManagedIdentityCredential(options), SCOPE, systemClock);
    await expect(assertions.get()).rejects.toThrow(StoreUnavailable);
  });
});
