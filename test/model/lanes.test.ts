import { describe, expect, test } from 'vitest';
import { judge } from './invariants.ts';
import { makePlan } from './plan.ts';
import { run } from './run.ts';
import { PLAIN, SCENARIOS, type Scenario, type ScenarioName } from './scenario.ts';
import { World } from './world.ts';

/**
 * What each family of histories shows, and how many of them are tried. In all of them: no mail is lost or silently
 * doubled, at most four requests of a mailbox are in flight, every mail ends in the one state that is true, every end is
 * told, and no mail waits for the daily check.
 */
const POLICIES: Readonly<Record<ScenarioName, readonly [seeds: number, policy: string]>> = {
  plain: [150, 'mail goes out once, whoever puts it there twice'],
  prompt: [150, 'scheduled mail goes at its time'],
  kills: [400, 'processes may die at any step'],
  lostAnswers: [300, 'storage may fail, and its answers may be lost'],
  freezes: [300, 'processes may stand still for minutes'],
  stalls: [200, 'answers may come after a lease has run out'],
  skew: [200, 'clocks of instances may differ'],
  bursts: [200, 'a burst is worked off by one holder at a time'],
  throttling: [200, 'throttling delays mail and burns no attempt'],
  pacing: [40, 'no mailbox sends faster than its pace'],
  ambiguity: [200, 'a mail of unknown fate is sent again only where that is wished, and once'],
  times: [150, 'mail is neither sent before its time nor after it expired'],
  gates: [150, 'mail behind a shut gate is held, and goes when it opens'],
  people: [150, 'cancelling, retrying and resolving never double a mail'],
  meddling: [150, 'people may act while everything fails'],
  poison: [150, 'a message that fails again and again is told of, and takes no other mail along'],
  contents: [150, 'large content lives as long as its mail, and goes to nobody else'],
  unlinks: [200, 'an unlink ends every mail of its connection, whatever is under way'],
  everything: [200, 'all of it may happen at once'],
};

describe('lanes, over thousands of histories', () => {
  for (const [name, [seeds, policy]] of Object.entries(POLICIES) as [ScenarioName, readonly [number, string]][]) {
    test(`${policy} (${name}, ${seeds} histories)`, { timeout: 60_000 }, async () => {
      const broken = [];
      for (let seed = 1; seed <= seeds; seed += 1) {
        const { violations } = await run(seed, SCENARIOS[name]);
        if (violations.length > 0) broken.push({ again: `--scenario ${name} --seed ${seed} --runs 1`, violations });
      }
      expect(broken).toEqual([]);
    });
  }

  test('the same seed tells the same history', async () => {
    const first = await run(4711, SCENARIOS.everything);
    expect(await run(4711, SCENARIOS.everything)).toEqual(first);
  });

  test('where nothing fails, no mail waits for more than half a minute after its time', async () => {
    const waits = [];
    for (let seed = 1; seed <= 100; seed += 1) waits.push((await run(seed, SCENARIOS.prompt)).longestWaitSeconds);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30);
  });
});

describe('what a mail costs', () => {
  const quiet: Scenario = {
    ...PLAIN,
    duplicate: 0,
    deleteLost: 0,
    submitted: 0,
    refused: 0,
    graph: { fates: { accepted: 1 }, slow: 0, longestMs: 0 },
  };

  async function requestsPerMail(scenario: Scenario) {
    const world = new World(7, scenario);
    await world.open();
    const mails = makePlan(world);
    await world.rest();
    expect(judge(world, mails)).toEqual([]);
    const puts = [...world.queues.puts].filter(([queue]) => queue !== 'outlook-mail');
    const queue = puts.reduce((sum, [, count]) => sum + count, 0);
    return { table: world.mails.requests / scenario.mails, queue: queue / scenario.mails };
  }

  test('a single mail on a free lane costs four table requests, and one of each kind more when it is told', async () => {
    const sparse = { ...quiet, mails: 100, lanes: 100, arriveWithinMs: 600_000 };
    expect(await requestsPerMail({ ...sparse, acceptedEvents: false })).toEqual({ table: 4, queue: 0 });
    expect(await requestsPerMail(sparse)).toEqual({ table: 5, queue: 1 });
  });

  test('a mail to a mailbox that one instance has just sent through costs two', async () => {
    const busy = { ...quiet, mails: 100, lanes: 1, arriveWithinMs: 3_600_000, senders: 1, acceptedEvents: false };
    const { table, queue } = await requestsPerMail(busy);
    expect(table).toBeLessThan(2.3);
    expect(queue).toBeLessThan(0.1);
  });

  test('a burst of 400 to one lane costs less than four and a half table requests a mail', async () => {
    const burst = { ...quiet, mails: 400, lanes: 1, arriveWithinMs: 1_000, perMinute: 0 };
    const { table, queue } = await requestsPerMail(burst);
    expect(table).toBeLessThan(4.5);
    expect(queue).toBeLessThan(1.1);
  });
});
