const ENDPOINTS = ['QueueEndpoint', 'TableEndpoint', 'BlobEndpoint'];

/**
 * Whether the SDKs of queues, tables and blobs all take it for a connection string of a storage account: with its key, or
 * with a shared access signature and all endpoints. Checked at a start, as the SDKs are loaded later.
 */
export function isStorageConnectionString(text: string): boolean {
  if (/^UseDevelopmentStorage=true;?$/.test(text)) return true;
  const parts = new Map(text.split(';').map(partOf));
  const has = (...names: readonly string[]) => names.every((name) => parts.get(name));
  if (!ENDPOINTS.every((name) => !has(name) || URL.canParse(parts.get(name) ?? ''))) return false;
  const isComplete = has(...ENDPOINTS);
  if (!has('DefaultEndpointsProtocol', 'AccountKey')) return isComplete && has('SharedAccessSignature');
  const isAddressed = has('EndpointSuffix') && /^https?$/i.test(parts.get('DefaultEndpointsProtocol') ?? '');
  return has('AccountName') && (isComplete || isAddressed);
}

function partOf(part: string): [string, string] {
  const [name = ''] = part.split('=', 1);
  return [name.trim(), part.slice(name.length + 1).trim()];
}
