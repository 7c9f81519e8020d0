import { createHash } from 'node:crypto';
import { DAY } from '../clock.ts';

/** Two checks of a connection are at least so far apart, also when the first one came late. */
const LEAST_GAP_MS = DAY / 4;

/** When a new connection is checked first: within a day, spread evenly by a stable hash of its id. */
export function firstCheckAt(connectionId: string, now: Date): Date {
  const spread = createHash('sha256').update(connectionId).digest().readUInt32BE(0) / 2 ** 32;
  return new Date(now.getTime() + Math.floor(spread * DAY));
}

/**
 * When a connection is checked after the check for `slot`, which was finished now. The time of day stays: after an outage,
 * everybody would come at the same hour for ever.
 */
export function nextCheckAfter(slot: Date, now: Date): Date {
  const least = now.getTime() + LEAST_GAP_MS;
  const days = Math.max(1, Math.ceil((least - slot.getTime()) / DAY));
  return new Date(slot.getTime() + days * DAY);
}

/** The slot of the day before: what a check is for that is brought forward, so that the next one keeps its time of day. */
export function slotBefore(nextCheckAt: string): string {
  return new Date(Date.parse(nextCheckAt) - DAY).toISOString();
}
