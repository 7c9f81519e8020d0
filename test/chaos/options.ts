import { parseArgs } from 'node:util';

export interface ChaosOptions {
  readonly seed: number;
  readonly mails: number;
  readonly mailboxes: number;
  readonly kills: number;
  readonly workers: number;
  /** Where the functions' log goes; nowhere without it. */
  readonly logFile: string | undefined;
}

/** `--seed N --mails M --mailboxes B --kills K --workers W --log FILE`. */
export function chaosOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      mails: { type: 'string', default: '2000' },
      mailboxes: { type: 'string', default: '50' },
      kills: { type: 'string', default: '30' },
      workers: { type: 'string', default: '3' },
      log: { type: 'string' },
    },
  });
  const whole = (name: 'seed' | 'mails' | 'mailboxes' | 'kills' | 'workers') => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} must be a whole number`);
    return value;
  };
  return {
    seed: whole('seed'),
    mails: whole('mails'),
    mailboxes: whole('mailboxes'),
    kills: whole('kills'),
    workers: whole('workers'),
    logFile: values.log,
  };
}

/** A seeded source of randomness (mulberry32): the same seed chooses the same faults and moments. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
