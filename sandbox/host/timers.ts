import { Cron } from 'croner';
import type { FunctionSummary } from './messages.ts';

/** What a timer function receives, with the names that the real host uses. */
export interface TimerInfo {
  readonly Schedule: { readonly AdjustForDST: boolean };
  readonly ScheduleStatus: { readonly Last: string; readonly Next: string; readonly LastUpdated: string };
  readonly IsPastDue: boolean;
}

export type RunTimer = (functionName: string, timer: TimerInfo) => Promise<void>;

interface Timer {
  readonly cron: Cron;
  readonly runOnStartup: boolean;
  last: Date | undefined;
}

const NEVER = '0001-01-01T00:00:00';

/** Fires timer functions: one schedule for all workers, since on Azure a timer is a singleton. */
export class Timers {
  private readonly timers = new Map<string, Timer>();
  private readonly runTimer: RunTimer;

  constructor(functions: readonly FunctionSummary[], runTimer: RunTimer) {
    this.runTimer = runTimer;
    for (const { name, schedule, runOnStartup } of functions) {
      if (schedule !== undefined)
        this.timers.set(name, { cron: ncrontab(schedule), runOnStartup: runOnStartup === true, last: undefined });
    }
  }

  start(): void {
    for (const [name, timer] of this.timers) {
      // A failed run is in the worker's log, and the schedule goes on.
      const fire = () => this.run(name).catch(() => {});
      timer.cron.schedule(fire);
      if (timer.runOnStartup) void fire();
    }
  }

  stop(): void {
    for (const { cron } of this.timers.values()) cron.stop();
  }

  /** One invocation now, beside the schedule. Rejects when it fails or when no timer function has this name. */
  async run(functionName: string): Promise<void> {
    const timer = this.timers.get(functionName);
    if (!timer) throw new Error(`There is no timer function '${functionName}'.`);
    const info = timerInfo(timer);
    timer.last = new Date();
    await this.runTimer(functionName, info);
  }
}

/** As NCrontab reads it: six fields, UTC, day of month *and* day of week. Does not run before the last run has ended. */
function ncrontab(schedule: string): Cron {
  return new Cron(schedule, {
    timezone: 'UTC',
    mode: '5-or-6-parts',
    domAndDow: true,
    sloppyRanges: true,
    protect: true,
  });
}

function timerInfo({ cron, last }: Timer): TimerInfo {
  const lastRun = last ? dotNetTime(last) : NEVER;
  const next = cron.nextRun();
  return {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: { Last: lastRun, Next: next ? dotNetTime(next) : NEVER, LastUpdated: lastRun },
    IsPastDue: false,
  };
}

function dotNetTime(date: Date): string {
  return date.toISOString().replace('Z', '+00:00');
}
