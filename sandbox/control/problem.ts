import type { Reply } from '../kit/serve.ts';

/** One field that is wrong, named as in the product's own errors. */
export interface FieldProblem {
  /** JSON pointer into the body. */
  readonly pointer: string;
  readonly detail: string;
}

/** An error of the control API; becomes a problem document (RFC 9457). */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly errors: readonly FieldProblem[];

  constructor(status: number, title: string, detail: string, errors: readonly FieldProblem[] = []) {
    super(detail);
    this.status = status;
    this.title = title;
    this.errors = errors;
  }
}

export function problemReply({ status, title, message, errors }: Problem, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8', ...headers },
    body: JSON.stringify({
      type: 'about:blank',
      title,
      status,
      detail: message,
      ...(errors.length > 0 && { errors }),
    }),
  };
}
