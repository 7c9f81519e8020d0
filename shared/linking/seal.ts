import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Encrypts text under a token that only the browser carries, so that a link's row alone redeems nothing.
 * AES-256-GCM; the key is derived from the token by HKDF-SHA256 and bound to the link.
 */
export function seal(plain: string, token: string, linkId: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(token, linkId), iv);
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** Opens what `seal` made. Undefined when the token or the link is another one, or the text was changed. */
export function unseal(sealed: string, token: string, linkId: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < 28) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(token, linkId), bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

function keyOf(token: string, linkId: string): Buffer {
  return Buffer.from(hkdfSync('sha256', token, linkId, 'outlook-sender link', 32));
}
