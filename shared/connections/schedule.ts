import { createHash } from 'node:crypto';
import { DAY } from '../clock.ts';

/** When a new connection is checked first: within a day, spread evenly by a stable hash of its id. */
export function firstCheckAt(connectionId: string, now: Date): Date {
  const spread = createHash('sha256').update(connectionId).digest().readUInt32BE(0) / 2 ** 32;
  return new Date(now.getTime() + Math.floor(spread * DAY));
}
