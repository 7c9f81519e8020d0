import type { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { queueMessageSchema } from './message.ts';

type Issue = z.core.$ZodIssue;

/** Zod's issues as the fields of a problem document. Values are never quoted. */
export function fieldErrors(issues: readonly Issue[]): FieldError[] {
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

function codeOf(issue: Issue): string {
  if (issue.code === 'custom' && typeof issue.params?.['code'] === 'string') return issue.params['code'];
  if (issue.code === 'unrecognized_keys') return 'unknown_field';
  if (issue.code === 'invalid_type') return isMissing(issue) ? 'required' : 'wrong_type';
  if (issue.code === 'too_big') return 'too_large';
  if (issue.code === 'too_small') return 'too_small';
  if (issue.code === 'invalid_union') return 'wrong_type';
  return 'invalid';
}

function detailOf(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') return 'There is no such field.';
  if (issue.code === 'invalid_type' && isMissing(issue)) return 'This field is required.';
  return issue.message;
}

function isMissing(issue: Issue): boolean {
  return /received undefined/.test(issue.message);
}

/** Names of the message's fields, outer and inner ones. */
const KNOWN_NAMES = new Set([
  ...Object.keys(queueMessageSchema.shape),
  ...['address', 'name', 'contentType', 'content', 'contentBytes', 'inlineId'],
]);

/**
 * A pointer as far as it consists of our own names and of positions. A name that a producer made up may hold anything,
 * and of any length: it belongs into no record, log or event.
 */
export function ownPointer(pointer: string): string {
  const parts = pointer.split('/').slice(1);
  const strange = parts.findIndex((part) => !KNOWN_NAMES.has(part) && !/^\d{1,4}$/.test(part));
  return (strange === -1 ? parts : parts.slice(0, strange)).map((part) => `/${part}`).join('');
}
