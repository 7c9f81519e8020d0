import { createServer, request } from 'node:http';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../../sandbox/kit/serve.ts';
import { type Storage, startStorage } from '../../../sandbox/storage/azurite.ts';
import { countKey } from '../../../sandbox/storage/counts.ts';
import { createStorage } from '../../../sandbox/storage/create.ts';
import { CONTAINERS, POISON_QUEUES, QUEUES, TABLES } from '../../../shared/storage-names.ts';

let storage: Storage;

beforeAll(async () => {
  storage = await startStorage({ ports: 'free' });
  await createStorage(storage.connectionString);
  await createStorage(storage.connectionString);
});

afterAll(() => storage.close());

it('holds every queue and container of the product', async () => {
  const queues = [];
  for await (const { name } of QueueServiceClient.fromConnectionString(storage.connectionString).listQueues())
    queues.push(name);
  const containers = [];
  for await (const { name } of BlobServiceClient.fromConnectionString(storage.connectionString).listContainers())
    containers.push(name);
  expect(queues.sort()).toEqual([...Object.values(QUEUES), ...POISON_QUEUES].sort());
  expect(containers.sort()).toEqual(Object.values(CONTAINERS).sort());
});

it('counts requests by method and by what they name', async () => {
  storage.clearCounts();
  const options = { allowInsecureConnection: true };
  const table = TableClient.fromConnectionString(storage.connectionString, TABLES.mails, options);
  await table.createEntity({ partitionKey: 'p', rowKey: 'r' });
  await table.getEntity('p', 'r');
  await table.submitTransaction([['delete', { partitionKey: 'p', rowKey: 'r' }]]);
  const queue = QueueServiceClient.fromConnectionString(storage.connectionString).getQueueClient(QUEUES.mail);
  await queue.sendMessage('x');
  await queue.receiveMessages();
  expect(storage.counts()).toEqual({
    table: { 'POST /mails': 1, 'GET /mails': 1, 'POST /$batch': 1 },
    queue: { 'POST /outlook-mail': 1, 'GET /outlook-mail': 1 },
    blob: {},
  });
  storage.clearCounts();
  expect(storage.counts()).toEqual({ table: {}, queue: {}, blob: {} });
});

describe('a request is counted as', () => {
  it.each([
    ['GET', "/devstoreaccount1/mails(PartitionKey='a/b',RowKey='c')?x=/y", 'GET /mails'],
    ['PATCH', '/devstoreaccount1/mails%28PartitionKey=%27a%27%29', 'PATCH /mails'],
    ['POST', '/devstoreaccount1/$batch', 'POST /$batch'],
    ['GET', '/devstoreaccount1?comp=list', 'GET /'],
    ['PUT', '/devstoreaccount1/mail-drop/acme/con/x', 'PUT /mail-drop'],
    ['GET', '/devstoreaccount1/%E0%A4%A', 'GET /%E0%A4%A'],
  ])('%s %s → %s', (method, path, key) => {
    expect(countKey(method, path)).toBe(key);
  });
});

it('refuses what a page of another site could send', async () => {
  const ask = (method: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const url = `${storage.queueUrl}/${QUEUES.mail}/messages`;
      request(url, { method, headers }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end();
    });
  storage.clearCounts();
  expect(await ask('GET', { host: 'rebound.example:10001' })).toBe(403);
  expect(await ask('POST', { origin: 'https://evil.example' })).toBe(403);
  expect(storage.counts().queue).toEqual({});
});

it('serves https with the account key, for use by identity', async () => {
  const { throwawayCertificate } = await import('../../../sandbox/kit/certificate.ts');
  const { trustInThisProcess } = await import('../../../sandbox/start/trust.ts');
  const tls = await throwawayCertificate();
  trustInThisProcess(tls.cert);
  const secure = await startStorage({ tls });
  expect(secure.tableUrl).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/devstoreaccount1$/);
  await createStorage(secure.connectionString);
  await secure.close();
});

it('takes free ports when one of the usual three is taken', async () => {
  const taken = createServer();
  const free = await listen(taken, 10001);
  const second = await startStorage();
  if (free === 10001)
    expect(new Set([second.blobUrl, second.tableUrl].map((url) => new URL(url).port))).not.toContain('10000');
  expect(new URL(second.queueUrl).port).not.toBe('10001');
  await second.close();
  taken.close();
});
