import { isOwnId, newToken } from '../ids.ts';

/** A ticket, state or confirmation as it travels: `<linkId>.<256 random bits>`. Only the hash of the second part is stored. */
export interface LinkToken {
  readonly linkId: string;
  readonly secret: string;
}

export function formatLinkToken(linkId: string, secret: string): string {
  return `${linkId}.${secret}`;
}

export function newLinkSecret(): string {
  return newToken();
}

/** Undefined for anything that we cannot have handed out. */
export function parseLinkToken(token: string): LinkToken | undefined {
  const [linkId = '', secret = '', ...more] = token.split('.');
  if (more.length > 0 || !isOwnId(linkId, 'lnk') || !/^[A-Za-z0-9_-]{43}$/.test(secret)) return undefined;
  return { linkId, secret };
}
