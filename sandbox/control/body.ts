import type { z } from 'zod';
import type { Call } from '../kit/serve.ts';
import { type FieldProblem, Problem } from './problem.ts';

/**
 * Reads a JSON body. Anything but `application/json` is refused: a form of another site can send every other type
 * without the browser asking first. A body that may be left out is `{}` then.
 */
export function readBody<T extends z.ZodType>(call: Call, schema: T): z.output<T> {
  const type = call.headers['content-type'];
  const empty = call.body.length === 0;
  if (type === undefined ? !empty : !/^application\/json\s*(;|$)/i.test(type))
    throw new Problem(415, 'Unsupported media type', 'Send the body as application/json.');
  const parsed = schema.safeParse(empty ? {} : parse(call.body.toString('utf8')));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(fieldProblems);
  const detail = errors.map(({ pointer, detail }) => `${pointer || 'body'}: ${detail}`).join('; ');
  throw new Problem(400, 'Invalid request', detail, errors);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem(400, 'Invalid request', 'The body is not JSON.');
  }
}

function fieldProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String);
  // zod reports unknown fields at the object that holds them.
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ pointer: pointer([...path, key]), detail: 'Unknown field' }));
  return [{ pointer: pointer(path), detail: issue.message }];
}

function pointer(path: readonly string[]): string {
  return path.map((segment) => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
