import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What callers may use as `customerId` and `mailId`. Safe in a table key, a blob name and a URL path. */
export const CALLER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Ids that we draw: 128 random bits in hex behind a prefix that says what it is. */
const OWN_ID = /^(lnk|con)_[0-9a-f]{32}$/;

export function newId(prefix: 'lnk' | 'con'): string {
  return `${prefix}_${randomBytes(16).toString('hex')}`;
}

/** Whether `text` has the shape of an id that we drew. Checked before it becomes part of a table key. */
export function isOwnId(text: string, prefix: 'lnk' | 'con'): boolean {
  return OWN_ID.test(text) && text.startsWith(prefix);
}

/** Name of a vault secret that is used once and never again: a deleted secret's name stays taken. */
export function newSecretName(kind: 'client-secret' | 'refresh-token'): string {
  return `${kind}-${randomBytes(16).toString('hex')}`;
}

/** 256 random bits for tickets, states, confirmations and cookies. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 as base64url: what is stored of a token, and the key of a mail's rows. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Whether `token` is the one whose hash is stored. Takes the same time whatever differs. */
export function matchesHash(token: string, hash: string | undefined): boolean {
  if (!hash) return false;
  const [a, b] = [Buffer.from(sha256(token)), Buffer.from(hash)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isGuid(text: string): boolean {
  return GUID.test(text);
}

/** Whether a client secret is none but its ID, as the portal and tools write it: with or without braces and hyphens. */
export function isSecretId(text: string): boolean {
  return /^(\{[0-9a-f-]+\}|[0-9a-f-]+)$/i.test(text) && text.replace(/[{}-]/g, '').length === 32;
}
