import { describe, expect, test } from 'vitest';
import { MUTATIONS, type MutationName } from './mutations.ts';
import { type LifeResult, live } from './run.ts';
import { DETECTED_WITHIN_HOURS, isGood, MOST_VERSIONS, NOTHING_WRONG } from './verdict.ts';

/**
 * The short form of `npm run life`: days of connections under a controlled clock, with revocations, outages, expiring
 * secrets, new links, pauses, unlinks and killed processes at random, held against what is true. Longer:
 * `npm run life -- --days 400`.
 */
const MINUTES = 120_000;

describe('connections, over months', () => {
  test.each([1, 2, 3])('are said to be what they are, and told once (seed %i)', { timeout: MINUTES }, async (seed) => {
    const result = await live({ seed, connections: 20, days: 70 });
    expect(result.findings).toEqual([]);
    expect(result).toMatchObject(NOTHING_WRONG);
    expect(result.latestDetectionHours).toBeLessThanOrEqual(DETECTED_WITHIN_HOURS);
    expect(result.latestDetectionHours).toBeGreaterThan(0);
    expect(result.maxVersions).toBeLessThan(20);
  });

  test('survive where old tokens die with their use, if each is stored and one process at a time refreshes', {
    timeout: MINUTES,
  }, async () => {
    const result = await live({ seed: 1, connections: 20, days: 40, strict: true });
    expect(result.findings).toEqual([]);
    expect(result).toMatchObject(NOTHING_WRONG);
    expect(result.maxVersions).toBeGreaterThan(100);
    expect(result.maxVersions).toBeLessThan(MOST_VERSIONS);
  });

  test('tell the same story for the same seed', { timeout: MINUTES }, async () => {
    const options = { seed: 7, connections: 10, days: 20 };
    expect(await live(options)).toEqual(await live(options));
  });
});

type Shown = readonly [policy: string, options: { days: number; seed?: number; strict?: boolean }];

/** Where the lack of each safeguard shows soonest. */
const SHOWN_BY: Readonly<Record<MutationName, Shown>> = {
  checksAreLost: ['checks that are lost', { days: 60 }],
  outagesLookLikeRefusals: ['outages of Microsoft that look like refusals', { days: 60 }],
  outagesLookLikeMissingSecrets: ['outages of the vault that look like missing secrets', { days: 60 }],
  nothingIsWrittenBack: ['refresh tokens that are never stored', { days: 110 }],
  versionsPileUp: ['versions that nobody counts', { days: 40, strict: true }],
  nobodyComesBack: ['links that stay dead although they work again', { days: 60, seed: 4242 }],
  diedChecksAreForgotten: ['checks that die and are forgotten', { days: 60 }],
  noSecondLook: ['links that are called dead at the first word', { days: 20, strict: true }],
  checkedEveryHour: ['checks that come every hour', { days: 20 }],
  eventsNeverSent: ['events that nobody gets', { days: 20 }],
  secretsNeverDeleted: ['secrets that are never deleted', { days: 20 }],
  retiredSecretDroppedAtOnce: ['replaced secrets that are deleted at once', { days: 40 }],
  reasonsLost: ['reasons that are lost', { days: 40 }],
  warnedNeverKept: ['warnings that are repeated', { days: 60 }],
  reviveWithoutProof: ['links that are said to work again without a token', { days: 60 }],
};

describe('a life notices', () => {
  for (const [name, [policy, { seed: first = 1, ...options }]] of Object.entries(SHOWN_BY) as [MutationName, Shown][]) {
    test(policy, { timeout: MINUTES }, async () => {
      const run = (seed: number) =>
        live({ seed, connections: 20, ...options, mutation: MUTATIONS[name], until: (found) => !isGood(found) });
      let result: LifeResult = await run(first);
      for (let seed = first + 1; seed < first + 4 && isGood(result); seed += 1) result = await run(seed);
      expect(isGood(result)).toBe(false);
    });
  }
});
