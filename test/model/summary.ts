import type { RunResult } from './run.ts';

export interface NamedResult {
  readonly scenario: string;
  readonly result: RunResult;
}

/** Many runs in one line. `examples`: so many runs with violations are shown. */
export function summarize(results: readonly NamedResult[], examples: number) {
  const sum = (of: (result: RunResult) => number) => results.reduce((total, { result }) => total + of(result), 0);
  const states: Record<string, number> = {};
  const kinds: Record<string, number> = {};
  for (const { scenario, result } of results) {
    for (const [state, count] of Object.entries(result.states)) states[state] = (states[state] ?? 0) + count;
    for (const kind of new Set(result.violations.map((each) => `${scenario}: ${each.kind}`)))
      kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  const bad = results.filter(({ result }) => result.violations.length > 0);
  return {
    runs: results.length,
    mails: Object.values(states).reduce((total, count) => total + count, 0),
    states,
    violations: bad.length,
    kinds,
    maxInFlight: Math.max(0, ...results.map(({ result }) => result.maxInFlight)),
    posts: sum(({ posts }) => posts),
    kills: sum(({ kills }) => kills),
    freezes: sum(({ freezes }) => freezes),
    redeliveries: sum(({ redeliveries }) => redeliveries),
    poisoned: sum(({ poisoned }) => poisoned),
    tickets: sum(({ tickets }) => tickets),
    requests: sum(({ requests }) => requests),
    longestWaitSeconds: Math.max(0, ...results.map(({ result }) => result.longestWaitSeconds)),
    steps: sum(({ steps }) => steps),
    examples: bad
      .slice(0, examples)
      .map(({ scenario, result }) => ({ scenario, seed: result.seed, violations: result.violations.slice(0, 4) })),
  };
}
