import { expect, test } from 'vitest';
import { healthDetails } from '../../../shared/operations/health-details.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { FakeApp } from '../../fakes/app.ts';

const NAMES = ['table', 'queue', 'blob', 'vault', 'login', 'graph'];

test('everything that answers is ok, and nothing was written', async () => {
  const fake = new FakeApp();
  let writes = 0;
  fake.secrets.before = (call) => {
    if (call !== 'get') writes += 1;
  };
  const details = await healthDetails(fake.app.operations, fake.invocation().log);
  expect(details.status).toBe('ok');
  expect(details.dependencies.map(({ name }) => name)).toEqual(NAMES);
  for (const { status, latencyMs } of details.dependencies) expect([status, latencyMs]).toEqual(['ok', 0]);
  expect([writes, fake.queues.sent.length, fake.connections.all().length]).toEqual([0, 0, 0]);
});

test('what fails or hangs is named, and keeps nobody else waiting', async () => {
  const fake = new FakeApp();
  const { log } = fake.invocation();
  const details = await healthDetails(
    {
      ...fake.app.operations,
      secrets: {
        ...fake.secrets,
        get: async () => {
          throw new StoreUnavailable('key vault');
        },
      } as unknown as typeof fake.secrets,
      hosts: { reach: (host) => (host === 'graph' ? new Promise(() => {}) : Promise.resolve()) },
    },
    log,
    20,
  );
  expect(details.status).toBe('degraded');
  expect(Object.fromEntries(details.dependencies.map(({ name, status }) => [name, status]))).toEqual({
    table: 'ok',
    queue: 'ok',
    blob: 'ok',
    vault: 'failed',
    login: 'ok',
    graph: 'timeout',
  });
  expect(fake.events).toContainEqual({
    level: 'failure',
    name: 'health.dependency_failed',
    fields: { dependency: 'vault' },
  });
});
