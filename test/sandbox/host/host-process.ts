/** A host in a process of its own, for the test that kills it. Tells its parent the ids of its workers. */
import { startHost } from '../../../sandbox/host/host.ts';

const host = await startHost({
  appDir: `${import.meta.dirname}/fixture-app`,
  environment: () => ({
    Work: 'DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm9uZQ==;QueueEndpoint=http://127.0.0.1:1/none;',
    WORK_QUEUE: 'work',
    TICK_SCHEDULE: '0 0 0 1 1 *',
  }),
  port: 0,
  workers: 2,
  functionKey: 'f',
  masterKey: 'm',
  log: () => {},
});
process.send?.(host.workers.map(({ pid }) => pid));
