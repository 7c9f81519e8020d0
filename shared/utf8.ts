/**
 * Bytes as text; undefined when they are no UTF-8, because the replacement characters that would stand for them would be
 * sent. A byte order mark at the beginning is dropped.
 */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
