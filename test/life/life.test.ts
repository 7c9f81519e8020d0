import { describe, expect, test } from 'vitest';
import { MUTATIONS, type MutationName } from './mutations.ts';
import { live } from './run.ts';
import { DETECTED_WITHIN_HOURS, isGood, MOST_VERSIONS } from './verdict.ts';

/**
 * The short form of `npm run life`: days of connections under a controlled clock, with revocations, outages, expiring
 * secrets, new links and killed processes at random, held against what is true. Longer: `npm run life -- --days 400`.
 */
const MINUTES = 120_000;

describe('connections, over months', () => {
  test.each([1, 2, 3])('are never wrongly called dead or alive (seed %i)', { timeout: MINUTES }, async (seed) => {
    const result = await live({ seed, connections: 20, days: 100 });
    expect(result).toMatchObject({ wronglyDead: 0, wronglyAlive: 0 });
    expect(result.latestDetectionHours).toBeLessThanOrEqual(DETECTED_WITHIN_HOURS);
    expect(result.latestDetectionHours).toBeGreaterThan(0);
    expect(result.maxVersions).toBeLessThan(20);
  });

  test('survive where old tokens die with their use, if each is stored and one process alone refreshes', {
    timeout: MINUTES,
  }, async () => {
    const result = await live({ seed: 1, connections: 10, days: 40, strict: true });
    expect(result).toMatchObject({ wronglyDead: 0, wronglyAlive: 0 });
    expect(result.maxVersions).toBeGreaterThan(100);
    expect(result.maxVersions).toBeLessThan(MOST_VERSIONS);
  });

  test('tell the same story for the same seed', { timeout: MINUTES }, async () => {
    const options = { seed: 7, connections: 10, days: 20 };
    expect(await live(options)).toEqual(await live(options));
  });
});

/** Where the lack of each safeguard shows soonest. */
const SHOWN_BY: Readonly<Record<MutationName, readonly [policy: string, options: { days: number; strict?: boolean }]>> =
  {
    checksAreLost: ['checks that are lost', { days: 60 }],
    outagesLookLikeRefusals: ['outages of Microsoft that look like refusals', { days: 100 }],
    outagesLookLikeMissingSecrets: ['outages of the vault that look like missing secrets', { days: 100 }],
    nothingIsWrittenBack: ['refresh tokens that are never stored', { days: 110 }],
    versionsPileUp: ['versions that nobody counts', { days: 40, strict: true }],
    nobodyComesBack: ['links that stay dead although they work again', { days: 100 }],
    diedChecksAreForgotten: ['checks that die and are forgotten', { days: 100 }],
  };

describe('a life notices', () => {
  for (const [name, [policy, options]] of Object.entries(SHOWN_BY) as [
    MutationName,
    readonly [string, { days: number; strict?: boolean }],
  ][]) {
    test(policy, { timeout: MINUTES }, async () => {
      let result = await live({ seed: 1, connections: 20, ...options, mutation: MUTATIONS[name], until: isBad });
      for (let seed = 2; seed <= 4 && isGood(result); seed += 1)
        result = await live({ seed, connections: 20, ...options, mutation: MUTATIONS[name], until: isBad });
      expect(isGood(result)).toBe(false);
    });
  }
});

function isBad(result: Parameters<typeof isGood>[0]): boolean {
  return !isGood(result);
}
