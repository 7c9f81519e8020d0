import { type BlobServiceClient, RestError } from '@azure/storage-blob';
import { type Blobs, type StoredBlob, StoreUnavailable } from '../storage/ports.ts';

/** `Blobs` on `@azure/storage-blob`. */
export class AzureBlobs implements Blobs {
  private readonly service: BlobServiceClient;

  constructor(service: BlobServiceClient) {
    this.service = service;
  }

  async put(container: string, name: string, content: Buffer, metadata: Readonly<Record<string, string>> = {}) {
    try {
      const blob = this.service.getContainerClient(container).getBlockBlobClient(name);
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
    try {
      const blob = this.service.getContainerClient(container).getBlobClient(name);
      const conditions = etag === undefined ? {} : { ifMatch: etag };
      // One byte more than allowed tells a blob that is too large without reading it whole.
      const answer = await blob.download(0, maxBytes + 1, { conditions });
      const chunks: Buffer[] = [];
      for await (const chunk of answer.readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
      const content = Buffer.concat(chunks);
      return content.length > maxBytes ? 'tooLarge' : { content, etag: answer.etag ?? '' };
    } catch (error) {
      const status = error instanceof RestError ? error.statusCode : undefined;
      if (status === 404 || status === 412) return undefined;
      // Storage answers 416 to a range of an empty blob.
      if (status === 416) return { content: Buffer.alloc(0), etag: '' };
      throw new StoreUnavailable('blob storage', undefined, error);
    }
  }

  async remove(container: string, name: string): Promise<void> {
    try {
      await this.service.getContainerClient(container).getBlobClient(name).deleteIfExists();
    } catch (error) {
      throw new StoreUnavailable('blob storage', undefined, error);
    }
  }
}
