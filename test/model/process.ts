import type { Clock } from '../../shared/clock.ts';
import { StoreUnavailable } from '../../shared/storage/ports.ts';
import type { Dice } from './dice.ts';
import type { Mortal, Scheduler } from './scheduler.ts';

/** How often an outside call goes wrong while faults are on. All are probabilities. */
export interface CallFaults {
  /** The store says no, and did nothing. */
  readonly fails: number;
  /** The store did it, and its answer is lost. */
  readonly lost: number;
}

export interface Speed {
  /** Share of calls that take up to a few seconds instead of milliseconds. */
  readonly slow: number;
  /** Share of answers that come up to a minute after the effect. */
  readonly verySlow: number;
}

/** One process of the Functions host: its memory, its clock and its death are its own. */
export class Process implements Mortal, Clock {
  readonly name: string;
  alive = true;
  frozenUntil = 0;
  private readonly scheduler: Scheduler;
  private readonly dice: Dice;
  private readonly skewMs: number;
  private readonly speed: () => Speed;
  private readonly startedAt: number;

  constructor(name: string, scheduler: Scheduler, dice: Dice, skewMs: number, speed: () => Speed) {
    this.name = name;
    this.scheduler = scheduler;
    this.dice = dice;
    this.skewMs = skewMs;
    this.speed = speed;
    this.startedAt = scheduler.now;
  }

  now(): Date {
    return new Date(this.scheduler.now + this.skewMs);
  }

  monotonic(): number {
    return this.scheduler.now - this.startedAt;
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(milliseconds, resolve);
    });
  }

  /** Runs something of this process later: never when it is dead by then, late when it is frozen. */
  after(milliseconds: number, run: () => void): void {
    this.scheduler.after(milliseconds, run, this);
  }

  latency(): number {
    return this.dice.chance(this.speed().slow) ? this.dice.between(0, 3_000) : this.dice.between(0, 15);
  }

  /** One call to the world: a step that takes effect at a moment of the scheduler's choice. */
  call<T>(effect: () => Promise<T>, faults: CallFaults = { fails: 0, lost: 0 }): Promise<T> {
    return new Promise((resolve, reject) => {
      const answer = (tell: () => void) => {
        if (this.dice.chance(this.speed().verySlow)) this.after(this.dice.between(1_000, 60_000), tell);
        else tell();
      };
      this.after(this.latency(), () => {
        if (this.dice.chance(faults.fails)) return reject(new StoreUnavailable('simulated storage'));
        const lost = this.dice.chance(faults.lost);
        const tellLost = () => reject(new StoreUnavailable('simulated storage'));
        effect().then(
          (value) => answer(lost ? tellLost : () => resolve(value)),
          (error: unknown) => answer(lost ? tellLost : () => reject(error)),
        );
      });
    });
  }
}
