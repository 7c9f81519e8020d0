/** The time, as an argument, so that tests control it. */
export interface Clock {
  /** Wall clock. */
  now(): Date;
  /** Milliseconds of a clock that never jumps; for measuring how long something took. */
  monotonic(): number;
  /** Resolves after the given milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** `date` moved by milliseconds. */
export function later(date: Date, milliseconds: number): Date {
  return new Date(date.getTime() + milliseconds);
}
