import { describe, expect, test } from 'vitest';
import { MUTATIONS, type MutationName } from './mutations.ts';
import { run } from './run.ts';
import { SCENARIOS, type ScenarioName } from './scenario.ts';

/** Where the lack of each safeguard shows soonest. */
const SHOWN_BY: Readonly<Record<MutationName, readonly [scenario: ScenarioName, policy: string]>> = {
  claimsIgnoreTheMail: ['stalls', 'a claim that ignores what others did to the mail'],
  lanesIgnoreEachOther: ['bursts', 'lanes that are taken whoever holds them'],
  outcomesIgnoreTheRecord: ['meddling', 'outcomes that overwrite whatever the record says'],
  leasesLastNoTime: ['bursts', 'leases that last no time'],
  dirtIsNotSeen: ['plain', 'holders that do not notice mail put down meanwhile'],
  redeliveriesLookNew: ['kills', 'messages that come back and look new'],
  ticketsAreLost: ['plain', 'tickets that are thrown away'],
  eventsHaveNoRows: ['lostAnswers', 'events that are told from memory alone'],
  claimsDoNotAge: ['stalls', 'posts under claims of any age'],
  postsAreRepeated: ['ambiguity', 'an HTTP client that repeats posts'],
  everybodyHasOneName: ['bursts', 'deliveries that cannot tell their own lane'],
};

const HISTORIES = 1_000;

describe('the model notices', () => {
  for (const [name, [scenario, policy]] of Object.entries(SHOWN_BY) as [
    MutationName,
    readonly [ScenarioName, string],
  ][]) {
    test(policy, { timeout: 60_000 }, async () => {
      let seed = 1;
      while (seed <= HISTORIES && (await run(seed, SCENARIOS[scenario], MUTATIONS[name])).violations.length === 0)
        seed += 1;
      expect(seed, 'the first history that breaks').toBeLessThanOrEqual(HISTORIES);
    });
  }
});
