import * as z from 'zod';

/** Text that becomes part of a header line: a line break in it would forge further headers. */
export const headerText = (maximum: number) =>
  z
    .string()
    .max(maximum, `must have at most ${maximum} characters`)
    .refine((value) => value.isWellFormed(), {
      message: 'must be well-formed Unicode',
      params: { code: 'not_unicode' },
    })
    .refine((value) => !/\p{Cc}/u.test(value), {
      message: 'must not contain control characters',
      params: { code: 'control_character' },
    });
