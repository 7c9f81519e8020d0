import { describe, expect, test } from 'vitest';
import { queueService } from '../../../sandbox/host/storage-connection.ts';

const CONNECTION =
  'DefaultEndpointsProtocol=http;AccountName=one;AccountKey=b25l;QueueEndpoint=http://127.0.0.1:1/one;';

describe('the storage connection of a trigger', () => {
  test('is the connection string of that name, with or without the prefix, AzureWebJobsStorage without a name', async () => {
    for (const [connection, setting] of [
      ['Mail', 'Mail'],
      ['Mail', 'AzureWebJobsMail'],
      [undefined, 'AzureWebJobsStorage'],
    ] as const) {
      const { url } = await queueService(connection, { [setting]: CONNECTION });
      expect(url).toBe('http://127.0.0.1:1/one');
    }
  });

  test('is identity-based when only the service address is set', async () => {
    const address = 'https://account.queue.core.windows.net';
    const managed = { Mail__queueServiceUri: address, Mail__credential: 'managedidentity', Mail__clientId: 'an-id' };
    expect((await queueService('Mail', managed)).url).toBe(address);
    expect((await queueService('Mail', { Mail__queueServiceUri: address })).url).toBe(address);
    expect((await queueService('Mail', { Mail__accountName: 'account' })).url).toBe(address);
  });

  test('that does not exist is named in the error', async () => {
    await expect(queueService('Mail', {})).rejects.toThrow("The storage connection 'Mail' does not exist");
  });
});
