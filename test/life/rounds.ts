import type { Findings } from './findings.ts';

const DAY = 86_400_000;

export interface Checked {
  readonly connectionId: string;
  readonly at: number;
}

/** Counts the checks of each connection that came to their end: at most one for each of its days. */
export class Rounds {
  private readonly findings: Findings;
  /** When the first day of each connection begins. */
  private readonly begins = new Map<string, number>();
  private readonly last = new Map<string, number>();

  constructor(findings: Findings) {
    this.findings = findings;
  }

  /** @param firstAt when the connection is to be checked first; its days begin at that time of day */
  begin(connectionId: string, firstAt: number): void {
    if (!this.begins.has(connectionId)) this.begins.set(connectionId, firstAt);
  }

  take(checks: readonly Checked[]): void {
    for (const { connectionId, at } of checks) {
      const day = Math.floor((at - (this.begins.get(connectionId) ?? at)) / DAY);
      if (this.last.get(connectionId) === day)
        this.findings.add('wrongChecks', at, `${connectionId} was checked to the end twice in a day`);
      this.last.set(connectionId, day);
    }
  }
}
