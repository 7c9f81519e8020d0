import { DAY } from '../clock.ts';
import type { Application } from './application.ts';
import type { Connection } from './connection.ts';

/** A refresh token that is not used dies after so many days. */
export const REFRESH_TOKEN_DAYS = 90;

/** Replaced secrets stay this long: an instance may still hold the old name. */
const RETIRED_MS = DAY;

/** Whether a secret that was replaced then may be deleted now. */
export function isRetired(retiredAt: string, now: Date): boolean {
  return Date.parse(retiredAt) + RETIRED_MS <= now.getTime();
}

/**
 * When a link that works dies by itself if nothing is done: the end of the stored refresh token or of the client secret,
 * whichever comes first. An assumed expiry is never counted.
 */
export function troubleAt(
  connection: Pick<Connection, 'refreshTokenStoredAt'>,
  application: Pick<Application, 'secretExpiresOn' | 'secretExpiryAssumed'> | undefined,
): Date {
  const ends = [Date.parse(connection.refreshTokenStoredAt) + REFRESH_TOKEN_DAYS * DAY];
  if (application && !application.secretExpiryAssumed) ends.push(Date.parse(application.secretExpiresOn));
  return new Date(Math.min(...ends.filter((end) => !Number.isNaN(end))));
}
