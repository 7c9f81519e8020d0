import type { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { FIELD_CODES, type FieldCode } from '../field-codes.ts';
import { queueMessageSchema } from './message.ts';

type Issue = z.core.$ZodIssue;

/** A value as its schema makes it, or every field that is wrong. */
export type Checked<T> =
  | { readonly data: T; readonly errors?: undefined }
  | { readonly errors: readonly FieldError[]; readonly data?: undefined };

/** Checks a value against a schema. What is wrong is named in plain words; values are never quoted. */
export function checkFields<T>(schema: z.ZodType<T>, value: unknown): Checked<T> {
  const parsed = schema.safeParse(value, { error: plainWords, reportInput: true });
  return parsed.success ? { data: parsed.data } : { errors: fieldErrors(parsed.error.issues) };
}

/** Zod's issues as the fields of a problem document. */
function fieldErrors(issues: readonly Issue[]): FieldError[] {
  const all = issues.flatMap(flatten).map((issue) => ({
    pointer: pointerOf(issue),
    code: codeOf(issue),
    detail: detailOf(issue),
  }));
  // Several rules may refuse one field for the same reason, and one is enough to know.
  const told = new Set<string>();
  return all.filter(({ pointer, code }) => !told.has(`${pointer} ${code}`) && told.add(`${pointer} ${code}`));
}

/** A union's issues are those of its branches; the branch that got furthest tells most. */
function flatten(issue: Issue): Issue[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ ...issue, keys: [key], path: [...issue.path, key] }));
  }
  // A record's key that breaks its schema: what is wrong with the key is what the caller needs.
  if (issue.code === 'invalid_key') {
    return issue.issues.map((each) => ({ ...each, path: issue.path }) as Issue).flatMap(flatten);
  }
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const depth = (branch: readonly Issue[]) => Math.max(...branch.map((each) => each.path.length));
  const branches = [...issue.errors].filter((branch) => branch.length > 0);
  const isTypeOnly = (branch: readonly Issue[]) =>
    branch.every((each) => each.code === 'invalid_type' && each.path.length === 0);
  const telling = branches.filter((branch) => !isTypeOnly(branch)).sort((a, b) => depth(b) - depth(a))[0];
  return (telling ?? [{ ...issue, errors: [], path: [] } as Issue])
    .map((each) => ({ ...each, path: [...issue.path, ...each.path] }))
    .flatMap(flatten);
}

function pointerOf(issue: Issue): string {
  return issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function codeOf(issue: Issue): FieldCode {
  const own: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  if (typeof own === 'string' && own in FIELD_CODES) return own as FieldCode;
  if (isMissing(issue)) return 'required';
  if (issue.code === 'unrecognized_keys') return 'unknown_field';
  if (issue.code === 'invalid_type' || issue.code === 'invalid_union')
    return isChoice(issue) ? 'invalid' : 'wrong_type';
  if (issue.code === 'too_big') return 'too_large';
  if (issue.code === 'too_small') return 'too_small';
  return 'invalid';
}

function detailOf(issue: Issue): string {
  if (isMissing(issue)) return 'This field is required.';
  return issue.message;
}

/** Whether the field is not there at all. Of a choice between objects, it is the field that chooses. */
function isMissing(issue: Issue): boolean {
  if (issue.code === 'custom' || issue.code === 'unrecognized_keys') return false;
  if (isChoice(issue)) return (issue.input as Record<string, unknown> | null)?.[issue.discriminator] === undefined;
  // Only what asks for the input, see `checkFields`, has it.
  return 'input' in issue && issue.input === undefined;
}

function isChoice(issue: Issue): issue is Issue & { readonly discriminator: string } {
  return issue.code === 'invalid_union' && 'discriminator' in issue && typeof issue.discriminator === 'string';
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** What a rule without words of its own says. Asked before the language of the schemas' library. */
function plainWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'There is no such field.';
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? 'of another type'}`;
    case 'invalid_value':
      return `must be ${issue.values.map((each) => JSON.stringify(each)).join(' or ')}`;
    case 'invalid_union':
      return 'is none of the forms that this field may have';
    case 'too_big':
      return `must ${sized(issue.origin, 'at most', issue.maximum)}`;
    case 'too_small':
      return `must ${sized(issue.origin, 'at least', issue.minimum)}`;
    default:
      return 'has not the form that this field’s description says';
  }
}

function sized(origin: string, bound: string, limit: number | bigint): string {
  const unit = { string: 'character', array: 'item', set: 'item', map: 'entry' }[origin];
  if (unit === undefined) return `be ${bound} ${limit}`;
  return `have ${bound} ${limit} ${unit}${limit === 1 ? '' : 's'}`;
}

/** What names of fields and headers look like. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/;
/** Names of the message's fields, outer and inner ones. */
const KNOWN_NAMES = new Set([
  ...Object.keys(queueMessageSchema.shape),
  ...['address', 'name', 'contentType', 'content', 'contentBytes', 'inlineId'],
]);

/**
 * A pointer with nothing in it but names and positions, for the mail's own record and event: its producer has to find the
 * field. A name that a producer made up may hold anything, and of any length: one that does not look like a name is `…`.
 */
export function namedPointer(pointer: string): string {
  const parts = pointer.split('/').slice(1);
  return parts.map((part) => `/${NAME.test(part) || isPosition(part) ? part : '…'}`).join('');
}

/** A pointer as far as it consists of our own names and of positions, for the log: it holds no words of a producer's. */
export function ownPointer(pointer: string): string {
  const parts = pointer.split('/').slice(1);
  const strange = parts.findIndex((part) => !KNOWN_NAMES.has(part) && !isPosition(part));
  return (strange === -1 ? parts : parts.slice(0, strange)).map((part) => `/${part}`).join('');
}

function isPosition(part: string): boolean {
  return /^\d{1,4}$/.test(part);
}
