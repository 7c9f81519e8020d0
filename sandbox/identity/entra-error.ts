import { randomUUID } from 'node:crypto';
import { type Call, json, type Reply } from '../kit/serve.ts';
import type { Refusal } from './refusals.ts';

/** A refusal on its way to whoever answers the request: as JSON, as a page or by redirect. */
export class EntraError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`AADSTS${refusal.number}: ${refusal.text}`);
    this.name = 'EntraError';
    this.refusal = refusal;
  }
}

/** A refusal with what Entra adds so that its support can find the request. */
export interface Traced {
  readonly refusal: Refusal;
  readonly description: string;
  readonly traceId: string;
  readonly correlationId: string;
  readonly timestamp: string;
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function traced(call: Call, refusal: Refusal): Traced {
  const traceId = randomUUID();
  const correlationId = clientRequestId(call) ?? randomUUID();
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const description = `AADSTS${refusal.number}: ${refusal.text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  return { refusal, description, traceId, correlationId, timestamp };
}

/** Entra repeats the caller's `client-request-id` as correlation id, wherever the caller put it. */
function clientRequestId(call: Call): string | undefined {
  const form = new URLSearchParams(call.body.toString('utf8'));
  const { 'client-request-id': header } = call.headers;
  return [call.url.searchParams.get('client-request-id'), form.get('client-request-id'), header].find(
    (value): value is string => typeof value === 'string' && GUID.test(value),
  );
}

const errorUri = ({ number }: Refusal) => `https://login.microsoftonline.com/error?code=${number}`;

/** The JSON body that token endpoint and metadata answer. */
export function errorReply(call: Call, refusal: Refusal): Reply {
  const { description, timestamp, traceId, correlationId } = traced(call, refusal);
  const body = {
    error: refusal.error,
    error_description: description,
    error_codes: [refusal.number],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: errorUri(refusal),
    ...(refusal.suberror !== undefined && { suberror: refusal.suberror }),
    ...(refusal.claims !== undefined && { claims: refusal.claims }),
  };
  return json(refusal.status ?? 400, body, { 'cache-control': 'no-store', 'x-ms-request-id': traceId });
}

/** What a redirect carries back to the application. */
export function errorParameters(call: Call, refusal: Refusal): Record<string, string | undefined> {
  return {
    error: refusal.error,
    error_subcode: refusal.subcode,
    error_description: traced(call, refusal).description,
    error_uri: errorUri(refusal),
  };
}
