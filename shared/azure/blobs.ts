// The same class as storage-blob's, which is loaded at its first use only.
import { RestError } from '@azure/data-tables';
import type { BlobClient, BlobServiceClient } from '@azure/storage-blob';
import { type Blobs, type StoredBlob, StoreUnavailable } from '../storage/ports.ts';

/** `Blobs` on `@azure/storage-blob`. */
export class AzureBlobs implements Blobs {
  private readonly service: () => Promise<BlobServiceClient>;

  constructor(service: () => Promise<BlobServiceClient>) {
    this.service = service;
  }

  async put(container: string, name: string, content: Buffer, metadata: Readonly<Record<string, string>> = {}) {
    if (leadsElsewhere(name)) throw new Error('a blob name has no . or .. segments');
    try {
      const blob = (await this.service()).getContainerClient(container).getBlockBlobClient(name);
      const { etag } = await blob.upload(content, content.length, { metadata: { ...metadata } });
      return etag ?? '';
    } catch (error) {
      throw new StoreUnavailable('blob storage', undefined, error);
    }
  }

  async get(
    container: string,
    name: string,
    maxBytes: number,
    etag?: string,
  ): Promise<StoredBlob | 'tooLarge' | undefined> {
    if (leadsElsewhere(name)) return undefined;
    const blob = (await this.service()).getContainerClient(container).getBlobClient(name);
    const conditions = etag === undefined ? {} : { ifMatch: etag };
    try {
      // One byte more than allowed tells a blob that is too large without reading it whole.
      const answer = await blob.download(0, maxBytes + 1, { conditions });
      const chunks: Buffer[] = [];
      for await (const chunk of answer.readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
      const content = Buffer.concat(chunks);
      return content.length > maxBytes ? 'tooLarge' : { content, etag: answer.etag ?? '' };
    } catch (error) {
      const status = error instanceof RestError ? error.statusCode : undefined;
      if (status === 404 || status === 412) return undefined;
      // Storage answers 416 to a range of an empty blob, without its ETag.
      if (status === 416) return this.empty(blob, conditions);
      throw new StoreUnavailable('blob storage', undefined, error);
    }
  }

  private async empty(blob: BlobClient, conditions: { ifMatch?: string }): Promise<StoredBlob | undefined> {
    try {
      const { etag = '' } = await blob.getProperties({ conditions });
      return { content: Buffer.alloc(0), etag };
    } catch (error) {
      const status = error instanceof RestError ? error.statusCode : undefined;
      if (status === 404 || status === 412) return undefined;
      throw new StoreUnavailable('blob storage', undefined, error);
    }
  }

  async remove(container: string, name: string): Promise<void> {
    if (leadsElsewhere(name)) return;
    try {
      await (await this.service()).getContainerClient(container).getBlobClient(name).deleteIfExists();
    } catch (error) {
      throw new StoreUnavailable('blob storage', undefined, error);
    }
  }

  async list(container: string, prefix: string, limit: number): Promise<readonly string[]> {
    const names: string[] = [];
    try {
      const blobs = (await this.service()).getContainerClient(container).listBlobsFlat(prefix === '' ? {} : { prefix });
      for await (const { segment } of blobs.byPage({ maxPageSize: Math.min(limit, 5_000) })) {
        names.push(...segment.blobItems.map(({ name }) => name));
        if (names.length >= limit) break;
      }
      return names.slice(0, limit);
    } catch (error) {
      throw new StoreUnavailable('blob storage', undefined, error);
    }
  }
}

/** The library leaves slashes alone, so a URL parser would resolve `a/../b` to a blob of another folder. */
function leadsElsewhere(name: string): boolean {
  return /(^|\/)\.{1,2}(\/|$)/.test(name);
}
