import type { IncomingMessage } from 'node:http';

/** The real host's limit. */
const LIMIT = 100 * 1024 * 1024;

/** The whole body; undefined when it is larger than the real host takes. */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
