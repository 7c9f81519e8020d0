import * as z from 'zod';
import type { Fault } from '../kit/journal.ts';

const text = z.string().min(1);

const match = z.strictObject({
  method: text.optional(),
  path: text.optional(),
  contains: text.optional(),
});

/** Far above the longest limit that a delay could be meant to exceed: Graph's 100 seconds. */
const LONGEST_DELAY_MS = 600_000;

const fault = z
  .strictObject({
    match: match.optional(),
    times: z.int().min(1).optional(),
    status: z.int().min(200).max(599).optional(),
    headers: z.record(text, z.string()).optional(),
    body: z.unknown().optional(),
    delayMs: z.int().min(0).max(LONGEST_DELAY_MS).optional(),
    taken: z.boolean().optional(),
    drop: z.enum(['before', 'after']).optional(),
    redirect: z
      .strictObject({
        error: text,
        error_description: z.string().optional(),
        error_subcode: z.string().optional(),
      })
      .optional(),
    answer: z.record(text, z.unknown()).optional(),
  })
  .refine(
    ({ status, delayMs, drop, redirect, answer }) =>
      [status, delayMs, drop, redirect, answer].some((effect) => effect !== undefined),
    'Needs one of status, delayMs, drop, redirect, answer: it would do nothing',
  );

/** `POST {control}/…/faults`: a list, appended to those that wait. */
export const faultList = z.array(fault);

/** `redirect` and `answer` make sense only where something is redirected, and where tokens are. */
export const faultListWithoutRedirect = z.array(
  fault
    .refine(({ redirect }) => redirect === undefined, {
      path: ['redirect'],
      error: 'Only the identity platform redirects',
    })
    .refine(({ answer }) => answer === undefined, {
      path: ['answer'],
      error: 'Only the identity platform answers with tokens',
    }),
);

/** zod types a missing field as possibly undefined; out of JSON it can only be missing. */
export function asFaults(list: z.output<typeof faultList>): Fault[] {
  return list as Fault[];
}

export const address = z.strictObject({ address: text });
export const clientId = z.strictObject({ clientId: text });
export const onOff = z.strictObject({ on: z.boolean() });
export const functionName = z.strictObject({ function: text });
export const workerId = z.strictObject({ worker: z.int().min(1).optional() });
export const nothing = z.strictObject({});
