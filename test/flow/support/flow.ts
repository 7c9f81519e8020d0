import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueClient } from '@azure/storage-queue';
import type { RecordedRequest } from '../../../sandbox/kit/journal.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../sandbox/start.ts';
import { Api } from './api.ts';
import { Events } from './events.ts';
import { FormBrowser } from './form-browser.ts';
import { Mails } from './mails.ts';

/** The sandbox of one test file, with what drives it. */
export interface Flow {
  readonly sandbox: Sandbox;
  readonly api: Api;
  readonly mails: Mails;
  readonly events: Events;
  /** A browser of somebody who was never here. */
  browser(): FormBrowser;
  /** A storage queue, table or blob container of the sandbox. */
  queue(name: string): QueueClient;
  table(name: string): TableClient;
  blobs(): BlobServiceClient;
  /** `POST {control}/{path}`; an answer other than 200 throws. */
  control(path: string, body: unknown): Promise<void>;
  /** What a stand-in was asked, oldest first. */
  requests(standIn: 'graph' | 'identity' | 'keyVault'): Promise<readonly RecordedRequest[]>;
  close(): Promise<void>;
}

/** Starts a sandbox on free ports. The functions that it runs are the bundle dist/index.js. */
export async function startFlow(options: Omit<SandboxOptions, 'ports' | 'host' | 'build'> = {}): Promise<Flow> {
  const sandbox = await startSandbox({ ...options, ports: 'free' });
  const { info, storage } = sandbox;
  const api = new Api(info.api, sandbox.proof);
  const control = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${info.control}/${path}`, { method, headers, ...init });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as unknown;
  };
  const { connectionString } = storage;
  const queue = (name: string) => new QueueClient(connectionString, name);
  return {
    sandbox,
    api,
    mails: new Mails(api, info.mailboxApi),
    events: new Events(queue(info.eventQueue)),
    browser: () => new FormBrowser(),
    queue,
    table: (name) => TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true }),
    blobs: () => BlobServiceClient.fromConnectionString(connectionString),
    control: async (path, body) => {
      await control('POST', path, body);
    },
    requests: async (standIn) => (await control('GET', `${standIn}/requests`)) as RecordedRequest[],
    close: () => sandbox.close(),
  };
}
