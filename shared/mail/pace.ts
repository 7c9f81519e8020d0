import { HOUR, MINUTE, SECOND } from '../clock.ts';

/** Mails that a mailbox that was quiet may send at once. */
export const PACE_BURST = 10;

/** An emptied bucket waits for so many tokens: waking a lane for each single mail would cost more requests than the mail. */
const REFILL_BEFORE_GO = 5;

/** A lane's pacing bucket and its count of recipients, as its row holds them. */
export interface Pace {
  readonly tokens: number;
  /** ISO; '' for a lane that never sent. */
  readonly refilledAt: string;
  /** JSON object: hours since 1970 → recipients. */
  readonly recipients: string;
}

export interface PaceLimits {
  /** 0: no pacing. */
  readonly perMinute: number;
  readonly recipientsPerDay: number;
}

export type Permission =
  | { readonly kind: 'go'; readonly pace: Pace }
  | { readonly kind: 'wait'; readonly reason: 'paced' | 'daily_recipients'; readonly waitMs: number };

/** Whether a mail to so many recipients may go now, and the pace after it. */
export function takeToken(pace: Pace, recipients: number, limits: PaceLimits, now: Date): Permission {
  const hour = Math.floor(now.getTime() / HOUR);
  const counts = lastDay(pace.recipients, hour);
  const sent = [...counts.values()].reduce((sum, count) => sum + count, 0);
  // A single mail over the limit goes out alone, or it would wait for ever.
  if (sent > 0 && sent + recipients > limits.recipientsPerDay) {
    const oldest = Math.min(...counts.keys());
    return { kind: 'wait', reason: 'daily_recipients', waitMs: (oldest + 25) * HOUR - now.getTime() };
  }
  const tokens = refilled(pace, limits.perMinute, now);
  if (tokens < 1) {
    return {
      kind: 'wait',
      reason: 'paced',
      waitMs: Math.max(SECOND, ((REFILL_BEFORE_GO - tokens) * MINUTE) / limits.perMinute),
    };
  }
  counts.set(hour, (counts.get(hour) ?? 0) + recipients);
  return {
    kind: 'go',
    pace: {
      tokens: limits.perMinute === 0 ? PACE_BURST : tokens - 1,
      // Never back: an instance whose clock is behind would let the next one refill the same minutes again.
      refilledAt: new Date(Math.max(now.getTime(), Date.parse(pace.refilledAt) || 0)).toISOString(),
      recipients: JSON.stringify(Object.fromEntries(counts)),
    },
  };
}

function refilled(pace: Pace, perMinute: number, now: Date): number {
  if (perMinute === 0 || pace.refilledAt === '') return PACE_BURST;
  const elapsed = Math.max(0, now.getTime() - Date.parse(pace.refilledAt));
  return Math.min(PACE_BURST, pace.tokens + (elapsed / MINUTE) * perMinute);
}

/** Counts of the current hour and the 24 before it: never less than a rolling day. */
function lastDay(recipients: string, hour: number): Map<number, number> {
  if (recipients === '') return new Map();
  const kept = Object.entries(JSON.parse(recipients) as Record<string, number>);
  return new Map(
    kept.map(([at, count]) => [Number(at), count] as const).filter(([at]) => at > hour - 25 && at <= hour),
  );
}
