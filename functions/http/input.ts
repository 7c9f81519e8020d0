import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import * as z from 'zod';
import { AppError, type FieldError, invalidField } from '../../shared/errors.ts';
import { CALLER_ID } from '../../shared/ids.ts';
import { checkFields } from '../../shared/mail/field-errors.ts';
import { LIMITS } from '../../shared/mail/limits.ts';
import { utf8 } from '../../shared/utf8.ts';

/** Reads and checks a JSON body. @throws {AppError} invalid_request, payload_too_large, secret_is_id */
export async function readBody<T>(request: HttpRequest, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(request);
  if (text === '') throw invalidField('', 'required', 'A JSON body is required.');
  return check(schema, parse(text), '');
}

/** A route without a body accepts none, or `{}`. */
export async function readNoBody(request: HttpRequest): Promise<void> {
  const text = await readText(request);
  if (text !== '') check(z.strictObject({}), parse(text), '');
}

async function readText(request: HttpRequest): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > LIMITS.httpBodyBytes)
    throw new AppError('payload_too_large');
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > LIMITS.httpBodyBytes) throw new AppError('payload_too_large');
  const text = utf8(new Uint8Array(bytes));
  if (text === undefined) throw invalidField('', 'not_utf8', 'The body must be UTF-8.');
  const type = request.headers.get('content-type') ?? 'application/json';
  if (text !== '' && !/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) {
    throw invalidField('', 'content_type', 'The body must be application/json.');
  }
  return text.trim();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidField('', 'not_json', 'The body is not valid JSON.');
  }
}

/** Checks a value against a schema; fields that are wrong are named, their values never quoted. */
export function check<T>(schema: z.ZodType<T>, value: unknown, prefix: '' | '?'): T {
  const { data, errors: all } = checkFields(schema, value);
  if (all === undefined) return data;
  const errors = all.slice(0, MOST_ERRORS).map((each) => {
    const pointer = each.pointer.slice(0, LONGEST_POINTER);
    return { ...each, pointer: prefix === '?' ? pointer.replace(/^\//, '?') : pointer };
  });
  const secretIsId = errors.find(({ code }) => code === 'secret_is_id');
  if (secretIsId) throw new AppError('secret_is_id', { detail: secretIsId.detail, errors });
  throw new AppError('invalid_request', { detail: summary(errors, all.length), errors });
}

/** A body can hold more wrong fields, and longer names, than anybody wants to read or we want to send. */
const MOST_ERRORS = 100;
const LONGEST_POINTER = 256;

function summary(errors: readonly FieldError[], count: number): string {
  const first = errors[0];
  const more = count > 1 ? ` (and ${count - 1} more)` : '';
  return `${first?.pointer || 'The request'}: ${first?.detail ?? 'is invalid'}${more}`;
}

/** The query parameter from which the host takes a function key. */
export const KEY_PARAMETER = 'code';

/** Whether a function key is where it belongs: the host looks there first, and then at no other place. */
export function hasKeyInHeader(request: HttpRequest): boolean {
  return (request.headers.get('x-functions-key') ?? '') !== '';
}

/** Checks query parameters; unknown and repeated ones are refused. */
export function readQuery<T>(request: HttpRequest, schema: z.ZodType<T>): T {
  const given = [...new URL(request.url).searchParams].filter(([name, value]) => !isOfPortal(request, name, value));
  const names = given.map(([name]) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw invalidField('?', 'repeated', 'A query parameter is given twice.');
  return check(schema, Object.fromEntries(given), '?');
}

/**
 * What Test/Run of the Azure portal adds to the query by itself: a key, beside the one in the header, and each part of the
 * path whose name has a capital, a second time. A part of the path with another value is a mistake, and stays.
 */
function isOfPortal(request: HttpRequest, name: string, value: string): boolean {
  if (!hasKeyInHeader(request)) return false;
  return name.toLowerCase() === KEY_PARAMETER || request.params[name] === value;
}

export const noQuery = z.strictObject({});

/** `?limit=1..200&after=` of lists. */
export const pageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(1, 'must be at least 1').max(200, 'must be at most 200'))
    .default(100)
    .meta({ type: 'integer', minimum: 1, maximum: 200, default: 100 }),
  after: z
    .string()
    .max(2048)
    .regex(/^[A-Za-z0-9_=+/-]+$/, 'is not a `next` of this list')
    .optional()
    .meta({ description: '`next` of the page before.' }),
});

/** A path parameter that is a caller's id. Anything else names nothing. */
export function callerId(request: HttpRequest, name: 'customerId' | 'mailId'): string {
  const value = request.params[name] ?? '';
  if (!CALLER_ID.test(value)) throw new AppError('not_found');
  return value;
}

export function pathParameter(request: HttpRequest, name: 'linkId' | 'connectionId' | 'clientId'): string {
  return request.params[name] ?? '';
}

export function jsonAnswer(status: number, value: unknown, headers: Record<string, string> = {}): HttpResponseInit {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(value),
  };
}
