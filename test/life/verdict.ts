import type { LifeResult } from './run.ts';

/** A dead link is known within a day and the hour of a scan, and seen here once an hour. */
export const DETECTED_WITHIN_HOURS = 26;
/** A vault cannot back up a secret with more versions. */
export const MOST_VERSIONS = 500;

/** Nothing was wrong. */
export const NOTHING_WRONG = {
  wronglyDead: 0,
  wronglyAlive: 0,
  wronglyTold: 0,
  wrongReasons: 0,
  wrongSecrets: 0,
  wrongChecks: 0,
  wrongWarnings: 0,
} as const satisfies Partial<LifeResult>;

export function isGood(result: LifeResult): boolean {
  const names = Object.keys(NOTHING_WRONG) as (keyof typeof NOTHING_WRONG)[];
  const isInTime = result.latestDetectionHours <= DETECTED_WITHIN_HOURS && result.maxVersions < MOST_VERSIONS;
  return isInTime && names.every((name) => result[name] === 0);
}
