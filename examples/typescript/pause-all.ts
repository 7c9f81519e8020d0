import { ApiError, functionKey, OutlookSender } from '../client/client.ts';

export async function pauseAll(url: string, key: string, customerId: string): Promise<string[]> {
  const api = new OutlookSender(url, functionKey(key));
  const paused: string[] = [];
  for await (const { connectionId, status } of api.all('connections-list', { path: { customerId } })) {
    if (status !== 'connected') continue;
    try {
      await api.call('connection-pause', { path: { customerId, connectionId } });
      paused.push(connectionId);
    } catch (error) {
      // Trouble came meanwhile: it sends nothing anyway.
      if (!(error instanceof ApiError && error.code === 'connection_not_working')) throw error;
    }
  }
  return paused;
}
