import { describe, expect, test } from 'vitest';
import type { GraphAnswer } from '../../../shared/mail/graph-answer.ts';
import { backOffMs, judge, retryAfterMs } from '../../../shared/mail/outcome.ts';

const NOW = new Date('2026-11-23T08:00:00.000Z');

function answer(
  status: number,
  code?: string,
  more: Partial<Extract<GraphAnswer, { kind: 'answer' }>> = {},
): GraphAnswer {
  return { kind: 'answer', status, ...(code !== undefined && { code }), ...more };
}

describe('what Graph answers decides what becomes of a mail', () => {
  test.each<[string, GraphAnswer, object]>([
    ['202 is accepted', answer(202), { kind: 'accepted' }],
    ['202 is accepted even with Retry-After', answer(202, undefined, { retryAfter: '9' }), { kind: 'accepted' }],
    [
      '429 waits',
      answer(429, 'TooManyRequests', { retryAfter: '7' }),
      { kind: 'wait', reason: 'throttled', waitMs: 7000 },
    ],
    ['429 without Retry-After waits for the back-off', answer(429), { kind: 'wait', reason: 'throttled' }],
    [
      '503 with a throttling code waits',
      answer(503, 'ErrorServerBusy', { retryAfter: '3' }),
      { kind: 'wait', waitMs: 3000 },
    ],
    ['509 with a throttling code waits', answer(509, 'ApplicationThrottled'), { kind: 'wait' }],
    [
      '503 waits when only the inner code says that it is throttling',
      answer(503, 'serviceUnavailable', { innerCode: 'CommandConcurrencyLimitReached' }),
      { kind: 'wait', reason: 'throttled' },
    ],
    ['503 of a service in maintenance is uncertain', answer(503, 'serviceNotAvailable'), { kind: 'uncertain' }],
    ['504 is uncertain even with a throttling code', answer(504, 'ErrorServerBusy'), { kind: 'uncertain' }],
    ['503 with html is uncertain', answer(503), { kind: 'uncertain', reason: 'server_error_after_send' }],
    ['500 is uncertain', answer(500, 'ErrorInternalServerError'), { kind: 'uncertain' }],
    ['502 is uncertain', answer(502), { kind: 'uncertain' }],
    ['504 is uncertain', answer(504, 'UnknownError'), { kind: 'uncertain' }],
    ['a redirect after the body left is uncertain', answer(307), { kind: 'uncertain' }],
    ['an unforeseen 200 is uncertain', answer(200), { kind: 'uncertain' }],
    ['408 is uncertain', answer(408), { kind: 'uncertain' }],
    [
      '400 rejects the message',
      answer(400, 'ErrorInvalidRecipients'),
      { kind: 'rejected', reason: 'ErrorInvalidRecipients' },
    ],
    ['400 with an empty body rejects the message', answer(400), { kind: 'rejected', reason: 'http_400' }],
    ['413 rejects the message', answer(413, 'RequestEntityTooLarge'), { kind: 'rejected' }],
    [
      '403 ErrorSendAsDenied rejects the message',
      answer(403, 'ErrorSendAsDenied'),
      { kind: 'rejected', reason: 'ErrorSendAsDenied' },
    ],
    [
      '403 otherwise blocks the connection',
      answer(403, 'ErrorAccessDenied'),
      { kind: 'gate', gate: 'blocked', reason: 'ErrorAccessDenied' },
    ],
    ['403 without a code blocks the connection', answer(403), { kind: 'gate', gate: 'blocked', reason: 'forbidden' }],
    [
      '404 of a missing mailbox shuts the gate',
      answer(404, 'MailboxNotEnabledForRESTAPI'),
      { kind: 'gate', gate: 'no_mailbox' },
    ],
    [
      'a missing mailbox that only the inner code names shuts the gate',
      answer(400, 'BadRequest', { innerCode: 'MailboxNotEnabledForRESTAPI' }),
      { kind: 'gate', gate: 'no_mailbox', reason: 'MailboxNotEnabledForRESTAPI' },
    ],
    [
      'a denied sender that only the inner code names rejects the message',
      answer(403, 'accessDenied', { innerCode: 'ErrorSendAsDenied' }),
      { kind: 'rejected', reason: 'ErrorSendAsDenied' },
    ],
    ['404 ResourceNotFound shuts the gate', answer(404, 'ResourceNotFound'), { kind: 'gate', gate: 'no_mailbox' }],
    ['another 404 rejects the message', answer(404, 'ErrorItemNotFound'), { kind: 'rejected' }],
    ['401 asks for a fresh token', answer(401, 'InvalidAuthenticationToken'), { kind: 'unauthorized', claims: false }],
    [
      '401 with insufficient_claims demands a sign-in',
      answer(401, undefined, { challengeError: 'insufficient_claims' }),
      { kind: 'unauthorized', claims: true },
    ],
    [
      'a refused connection waits',
      { kind: 'notSent', cause: 'ECONNREFUSED' },
      { kind: 'wait', reason: 'not_sent_econnrefused' },
    ],
    [
      'a lost answer is uncertain',
      { kind: 'noAnswer', cause: 'ECONNRESET' },
      { kind: 'uncertain', reason: 'no_answer' },
    ],
  ])('%s', (_name, given, expected) => {
    expect(judge(given, NOW)).toMatchObject(expected);
  });
});

describe('Retry-After', () => {
  test.each<[string, string | undefined, number | undefined]>([
    ['in seconds is taken', '120', 120_000],
    ['as a date is taken', 'Mon, 23 Nov 2026 08:02:00 GMT', 120_000],
    ['of zero waits a second', '0', 1_000],
    ['in the past waits a second', 'Mon, 23 Nov 2026 07:00:00 GMT', 1_000],
    ['of a week is capped at an hour', '604800', 3_600_000],
    ['as a far date is capped at an hour', 'Tue, 23 Nov 2027 08:00:00 GMT', 3_600_000],
    ['that is absent leaves the choice to the back-off', undefined, undefined],
    ['that is negative is ignored', '-5', undefined],
    ['that is no number is ignored', 'soon', undefined],
    ['that is absurdly long is capped at an hour', '9'.repeat(400), 3_600_000],
    ['with a fraction is ignored', '1.5', undefined],
    ['that is empty is ignored', '  ', undefined],
  ])('%s', (_name, header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });
});

test('the back-off doubles from five seconds to ten minutes, with jitter over its upper half', () => {
  expect([0, 1, 2, 7, 50].map((setbacks) => backOffMs(setbacks, 1))).toEqual([5_000, 10_000, 20_000, 600_000, 600_000]);
  expect(backOffMs(3, 0)).toBe(20_000);
});
