const SERVICES = ['Queue', 'Table', 'Blob'] as const;

/** The value of a part of a connection string; '' when it is not there. */
type Part = (name: string) => string;

/**
 * Whether the SDKs of queues, tables and blobs all take it for a connection string of a storage account: with its key, or
 * with a shared access signature and all endpoints. Checked at a start, as the SDKs are loaded later.
 */
export function isStorageConnectionString(text: string): boolean {
  if (/^UseDevelopmentStorage=true;?$/.test(text)) return true;
  // The first of a name counts.
  const parts = new Map(text.split(';').map(partOf).reverse());
  const part: Part = (name) => parts.get(name) ?? '';
  const hasKey = part('DefaultEndpointsProtocol') !== '' && part('AccountKey') !== '';
  return hasKey ? isOfAccount(part) : isSigned(part);
}

function isOfAccount(part: Part): boolean {
  const keyBytes = Buffer.from(part('AccountKey'), 'base64').length;
  return (
    part('AccountName') !== '' && keyBytes > 0 && SERVICES.every((service) => URL.canParse(address(part, service)))
  );
}

/** Where an endpoint is not named, the SDKs put it together. */
function address(part: Part, service: string): string {
  const named = part(`${service}Endpoint`);
  if (named) return named;
  const [protocol, suffix] = [part('DefaultEndpointsProtocol'), part('EndpointSuffix')];
  if (!suffix || !/^https?$/i.test(protocol)) return '';
  return `${protocol}://${part('AccountName')}.${service.toLowerCase()}.${suffix}`;
}

function isSigned(part: Part): boolean {
  if (part('SharedAccessSignature') === '') return false;
  if (!SERVICES.every((service) => URL.canParse(part(`${service}Endpoint`)))) return false;
  // The table SDK reads the account from the address: from its host, or from its path.
  const { host, pathname } = new URL(part('TableEndpoint'));
  return host.split('.')[1] === 'table' || pathname.split('/')[1] !== '';
}

function partOf(part: string): [string, string] {
  const [name = ''] = part.trim().split('=', 1);
  return [name, part.trim().slice(name.length + 1)];
}
