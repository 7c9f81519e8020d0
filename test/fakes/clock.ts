import type { Clock } from '../../shared/clock.ts';

/** A clock that moves only when told; `sleep` moves it at once. */
export class FakeClock implements Clock {
  private ms: number;

  constructor(start = '2026-11-23T08:00:00.000Z') {
    this.ms = Date.parse(start);
  }

  now(): Date {
    return new Date(this.ms);
  }

  monotonic(): number {
    return this.ms;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.ms += milliseconds;
  }

  advance(milliseconds: number): void {
    this.ms += milliseconds;
  }
}
