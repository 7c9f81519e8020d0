/** What may be wrong, beside being dead or alive. */
export type Kind = 'wronglyTold' | 'wrongReasons' | 'wrongSecrets' | 'wrongChecks' | 'wrongWarnings';

const SENTENCES = 10;

/** What was found to be wrong: how often, and the first of it in words. */
export class Findings {
  readonly counts: Record<Kind, number> = {
    wronglyTold: 0,
    wrongReasons: 0,
    wrongSecrets: 0,
    wrongChecks: 0,
    wrongWarnings: 0,
  };
  readonly sentences: string[] = [];

  add(kind: Kind, at: number, sentence: string): void {
    this.counts[kind] += 1;
    this.say(at, `${kind}: ${sentence}`);
  }

  say(at: number, sentence: string): void {
    if (this.sentences.length < SENTENCES) this.sentences.push(`${new Date(at).toISOString()} ${sentence}`);
  }
}
