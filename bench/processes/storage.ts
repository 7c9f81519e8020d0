/** Azurite, in memory, in a process of its own. */
import { startStorage } from '../../sandbox/storage/azurite.ts';
import { createStorage } from '../../sandbox/storage/create.ts';
import { serveMethods } from '../kit/serve-methods.ts';

const storage = await startStorage({ ports: 'free', latencyMs: Number(process.env['LATENCY_MS'] ?? 0) });
await createStorage(storage.connectionString);
storage.clearCounts();
const { connectionString, blobUrl, queueUrl, tableUrl } = storage;

serveMethods({
  addresses: () => ({ connectionString, blobUrl, queueUrl, tableUrl }),
  counts: () => storage.counts(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  },
});
