import { TABLES } from '../../../shared/storage-names.ts';
import type { Flow } from './flow.ts';
import type { FormBrowser } from './form-browser.ts';

/** A text that somebody might read, and where it stands. */
export interface Place {
  readonly where: string;
  readonly text: string;
  /** Where the content of a mail belongs. */
  readonly holdsMail?: true;
}

export function logPlaces(flow: Flow): Place[] {
  return flow.sandbox.logs.map((text) => ({ where: 'log', text }));
}

/** Every row of every table, property by property. */
export async function tablePlaces(flow: Flow): Promise<Place[]> {
  const places: Place[] = [];
  for (const name of Object.values(TABLES)) {
    for await (const row of flow.table(name).listEntities<Record<string, unknown>>()) {
      const isWaiting = name === TABLES.mails && String(row.rowKey).startsWith('2|');
      for (const [property, value] of Object.entries(row)) {
        const text = value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
        const where = `table ${name}, row ${row.partitionKey}/${row.rowKey}, ${property}`;
        places.push({ where, text, ...(isWaiting && property === 'content' && { holdsMail: true }) });
      }
    }
  }
  return places;
}

/** Every message of every queue. `outlook-mail` holds mail, but nothing stays there. */
export async function queuePlaces(flow: Flow, names: readonly string[]): Promise<Place[]> {
  const perQueue = names.map(async (name) => {
    const { peekedMessageItems } = await flow.queue(name).peekMessages({ numberOfMessages: 32 });
    return peekedMessageItems.map(({ messageText }) => ({ where: `queue ${name}`, text: messageText }));
  });
  return (await Promise.all(perQueue)).flat();
}

export async function blobPlaces(flow: Flow): Promise<Place[]> {
  const places: Place[] = [];
  const service = flow.blobs();
  for await (const { name } of service.listContainers()) {
    const container = service.getContainerClient(name);
    for await (const blob of container.listBlobsFlat({ includeMetadata: true })) {
      places.push({ where: `blob name in ${name}`, text: `${blob.name} ${JSON.stringify(blob.metadata ?? {})}` });
      const content = await container.getBlobClient(blob.name).downloadToBuffer();
      places.push({ where: `blob ${name}/${blob.name}`, text: content.toString('utf8'), holdsMail: true });
    }
  }
  return places;
}

/** Answers of the API. The link URL is a ticket, and is there for whoever started the link. */
export function apiPlaces(flow: Flow): Place[] {
  return flow.api.answers.flatMap(({ request, status, headers, text }) => {
    const where = `answer ${status} to ${request.replace(/\?.*/, '')}`;
    const body = text.replace(/"linkUrl":"[^"]*"/, '');
    return [
      { where, text: body },
      { where: `${where}, headers`, text: headersText(headers) },
    ];
  });
}

/** Pages and redirects of the functions. Location and Set-Cookie are how the link itself travels. */
export function browserPlaces(flow: Flow, browsers: readonly FormBrowser[]): Place[] {
  const ours = browsers.flatMap(({ history }) => history.filter(({ url }) => url.startsWith(flow.sandbox.info.api)));
  return ours.flatMap(({ url, body, headers }) => {
    const where = `page ${new URL(url).pathname}`;
    return [
      { where, text: body },
      { where: `${where}, headers`, text: headersText(headers) },
    ];
  });
}

/** What the stand-ins recorded and hand out over `control`. */
export async function controlPlaces(flow: Flow): Promise<Place[]> {
  const standIns = ['graph', 'identity', 'keyVault'] as const;
  const perStandIn = standIns.map(async (name) =>
    (await flow.requests(name)).map((request) => ({
      where: `control/${name}/requests, ${request.method} ${request.path}`,
      text: JSON.stringify(request),
      ...(name === 'graph' && { holdsMail: true as const }),
    })),
  );
  return (await Promise.all(perStandIn)).flat();
}

function headersText(headers: Headers): string {
  return [...headers]
    .filter(([name]) => name !== 'location' && name !== 'set-cookie')
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}
