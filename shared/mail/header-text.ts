import * as z from 'zod';
import { because } from '../field-codes.ts';

/** Control characters, and the line breaks that Unicode has beside them. */
const BREAKING = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/**
 * Embeddings, overrides and isolates: with them `fdp.exe` looks like `exe.pdf`. Marks (U+200E, U+200F, U+061C) and joiners,
 * which languages need, turn nothing around (docs/adr/0035-what-a-header-may-hold.md).
 */
const TURNING = /[\u202A-\u202E\u2066-\u2069]/u;

/**
 * Text that becomes part of a header line or shows in one: a line break in it would forge further headers, and a reader
 * must see what was written.
 */
export const headerText = (maximum: number) =>
  z
    .string()
    .max(maximum, `must have at most ${maximum} characters`)
    .refine((value) => value.isWellFormed(), because('not_unicode', 'must be well-formed Unicode'))
    .refine(
      (value) => !BREAKING.test(value),
      because('control_character', 'must not contain control characters, or line or paragraph separators'),
    )
    .refine(
      (value) => !TURNING.test(value),
      because('bidirectional_override', 'must not contain characters that turn the reading direction around'),
    );
