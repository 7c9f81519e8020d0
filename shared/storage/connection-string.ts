const SERVICES = ['Queue', 'Table', 'Blob'] as const;

/**
 * Whether the SDKs of queues, tables and blobs all take it for a connection string of a storage account: with its key, or
 * with a shared access signature and all endpoints. Checked at a start, as the SDKs are loaded later.
 */
export function isStorageConnectionString(text: string): boolean {
  if (/^UseDevelopmentStorage=true;?$/.test(text)) return true;
  const parts = new Map(text.split(';').map(partOf).reverse());
  const part = (name: string) => parts.get(name) ?? '';
  const endpoint = (service: string) => part(`${service}Endpoint`);
  if (!part('DefaultEndpointsProtocol') || !part('AccountKey')) {
    return part('SharedAccessSignature') !== '' && namesAccount(endpoint('Table')) && SERVICES.every(isAddress);
  }
  const keyBytes = Buffer.from(part('AccountKey'), 'base64').length;
  return (
    part('AccountName') !== '' && keyBytes > 0 && SERVICES.every((service) => isAddress(service) || isBuilt(service))
  );

  function isAddress(service: string): boolean {
    return URL.canParse(endpoint(service));
  }

  /** Where an endpoint is not named, it is put together. */
  function isBuilt(service: string): boolean {
    const [protocol, suffix] = [part('DefaultEndpointsProtocol'), part('EndpointSuffix')];
    if (endpoint(service) || !suffix || !/^https?$/i.test(protocol)) return false;
    return URL.canParse(`${protocol}://${part('AccountName')}.${service.toLowerCase()}.${suffix}`);
  }
}

/** With a signature, the table SDK reads the account from the address: from its host, or from its path. */
function namesAccount(tableEndpoint: string): boolean {
  if (!URL.canParse(tableEndpoint)) return false;
  const { host, pathname } = new URL(tableEndpoint);
  return host.split('.')[1] === 'table' || pathname.split('/')[1] !== '';
}

function partOf(part: string): [string, string] {
  const [name = ''] = part.trim().split('=', 1);
  return [name, part.trim().slice(name.length + 1)];
}
