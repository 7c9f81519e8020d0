import { randomUUID } from 'node:crypto';
import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { AppError } from '../../shared/errors.ts';
import { type Invocation, jsonLog } from '../../shared/log.ts';
import { StoreUnavailable } from '../../shared/storage/ports.ts';
import { problem } from './problem.ts';

/** One HTTP function: a row of the route table. */
export interface Endpoint {
  /** Name in the portal's list of functions. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/`. */
  readonly route: string;
  /** `function`: for programs that prove themselves; how is a setting. */
  readonly auth: 'function' | 'anonymous';
  readonly handle: (request: HttpRequest, invocation: Invocation) => Promise<HttpResponseInit>;
}

const CORRELATION_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Wraps an endpoint's handler for the Functions library: correlation id in and out, errors as problem documents. */
export function httpHandler(endpoint: Endpoint) {
  return async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    const given = request.headers.get('x-correlation-id') ?? '';
    const correlationId = CORRELATION_ID.test(given) ? given : randomUUID();
    const invocation = invocationOf(context, correlationId);
    const response = await answer(endpoint, request, invocation);
    const headers = { 'x-content-type-options': 'nosniff', ...response.headers, 'x-correlation-id': correlationId };
    return { ...response, headers };
  };
}

async function answer(endpoint: Endpoint, request: HttpRequest, invocation: Invocation): Promise<HttpResponseInit> {
  try {
    return await endpoint.handle(request, invocation);
  } catch (error) {
    if (error instanceof AppError) {
      invocation.log.event('http.refused', { function: endpoint.name, code: error.code });
      return problem(error, invocation.correlationId);
    }
    invocation.log.failure('http.failed', error, { function: endpoint.name });
    const known = error instanceof StoreUnavailable;
    const mapped = known
      ? new AppError('service_unavailable', { retryAfterSeconds: error.retryAfterSeconds ?? 5 })
      : new AppError('internal_error');
    return problem(mapped, invocation.correlationId);
  }
}

/** The execution that a trigger started, with a log whose lines carry its ids. */
export function invocationOf(context: InvocationContext, correlationId: string): Invocation {
  const write = (level: 'info' | 'warn' | 'error', line: string) => context[level](line);
  return { id: context.invocationId, correlationId, log: jsonLog(write, { correlationId }) };
}
