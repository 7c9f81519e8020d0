import type { HttpResponseInit } from '@azure/functions';
import { type AppError, catalogueEntry } from '../../shared/errors.ts';

/** An error of the catalogue as `application/problem+json` (RFC 9457). */
export function problem(error: AppError, correlationId: string): HttpResponseInit {
  const { status, title } = catalogueEntry(error.code);
  const { errors, members, retryAfterSeconds } = error.options;
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      // RFC 9110 wants it with 401. Why a token was refused is nobody's business.
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: JSON.stringify({
      type: `urn:robomq:outlook-sender:error:${error.code}`,
      title,
      status,
      detail: error.message,
      code: error.code,
      correlationId,
      ...(errors && { errors }),
      ...members,
    }),
  };
}
