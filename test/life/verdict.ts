import type { LifeResult } from './run.ts';

/** A dead link is known within a day and the hour of a scan, and seen here once an hour. */
export const DETECTED_WITHIN_HOURS = 26;
/** A vault cannot back up a secret with more versions. */
export const MOST_VERSIONS = 500;

export function isGood({ wronglyDead, wronglyAlive, latestDetectionHours, maxVersions }: LifeResult): boolean {
  const told = wronglyDead === 0 && wronglyAlive === 0 && latestDetectionHours <= DETECTED_WITHIN_HOURS;
  return told && maxVersions < MOST_VERSIONS;
}
