import { expect, test } from 'vitest';
import { PACE_BURST, type Pace, takeToken } from '../../../shared/mail/pace.ts';

const START = new Date('2026-11-23T08:00:00.000Z');
const LIMITS = { perMinute: 30, recipientsPerDay: 100 };
const QUIET: Pace = { tokens: PACE_BURST, refilledAt: '', recipients: '' };

function go(pace: Pace, at: Date, recipients = 1): Pace {
  const permission = takeToken(pace, recipients, LIMITS, at);
  if (permission.kind !== 'go') throw new Error(`waits: ${permission.reason}`);
  return permission.pace;
}

test('a quiet mailbox sends ten mails at once, then waits for five tokens', () => {
  let pace = QUIET;
  for (let n = 0; n < 10; n += 1) pace = go(pace, START);
  expect(takeToken(pace, 1, LIMITS, START)).toEqual({ kind: 'wait', reason: 'paced', waitMs: 10_000 });
});

test('the bucket refills by thirty a minute and never beyond ten', () => {
  let pace = QUIET;
  for (let n = 0; n < 10; n += 1) pace = go(pace, START);
  expect(go(pace, new Date(START.getTime() + 4_000)).tokens).toBe(1);
  expect(go(pace, new Date(START.getTime() + 3_600_000)).tokens).toBe(9);
});

test('a clock that runs behind the one that wrote the bucket takes nothing away', () => {
  const pace = go(QUIET, START);
  expect(go(pace, new Date(START.getTime() - 60_000)).tokens).toBe(8);
});

test('a pace of zero lifts the pacing but not the daily count', () => {
  const limits = { perMinute: 0, recipientsPerDay: 3 };
  let pace = QUIET;
  for (let n = 0; n < 3; n += 1) {
    const permission = takeToken(pace, 1, limits, START);
    if (permission.kind === 'go') pace = permission.pace;
  }
  expect(takeToken(pace, 1, limits, START)).toMatchObject({ kind: 'wait', reason: 'daily_recipients' });
});

test('recipients of the last day count, and the mail goes when the oldest hour has passed', () => {
  const full = go(QUIET, START, 100);
  const refused = takeToken(full, 1, LIMITS, new Date(START.getTime() + 3_600_000));
  expect(refused).toMatchObject({ kind: 'wait', reason: 'daily_recipients' });
  const waitMs = refused.kind === 'wait' ? refused.waitMs : 0;
  const after = new Date(START.getTime() + 3_600_000 + waitMs);
  expect(takeToken(full, 1, LIMITS, after).kind).toBe('go');
});

test('a mail to more recipients than a whole day allows goes alone instead of waiting for ever', () => {
  expect(takeToken(QUIET, 500, LIMITS, START).kind).toBe('go');
});
