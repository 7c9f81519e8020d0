import type { IncomingHttpHeaders } from 'node:http';
import type { HttpCookie, HttpData, Nullable, TypedData } from './functions-core.ts';

export interface HttpInput {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly params: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpOutput {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | string | undefined;
}

/**
 * A request as the real host hands it over. Repeated query parameters and headers arrive joined by a comma, so
 * `request.query.getAll('a')` has one element on Azure too; only `request.url` tells them apart.
 */
export function toHttpData({ method, url, headers, params, body }: HttpInput): HttpData {
  const query = [...new Set(url.searchParams.keys())].map(
    (name) => [name, url.searchParams.getAll(name).join(',')] as const,
  );
  const single = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  return {
    method,
    url: url.href,
    nullableHeaders: nullable(single),
    nullableQuery: nullable(query),
    nullableParams: nullable(Object.entries(params)),
    ...(body.length > 0 && { body: { bytes: body } }),
  };
}

/** The function's answer. A function that returns nothing answers 204. */
export function fromHttpData(http: HttpData | null | undefined): HttpOutput {
  if (!http) return { status: 204, headers: [], body: undefined };
  const cookies = (http.cookies ?? []).map((cookie) => ['set-cookie', setCookie(cookie)] as const);
  return {
    status: Number(http.statusCode ?? 200),
    headers: [...Object.entries(http.headers ?? {}), ...cookies],
    body: bodyOf(http.body),
  };
}

/** A Set-Cookie value in ASP.NET's form, which writes it on Azure: value encoded, path `/` unless given. */
export function setCookie(cookie: HttpCookie): string {
  const seconds = cookie.expires?.value?.seconds;
  const maxAge = cookie.maxAge?.value;
  const sameSite = { none: undefined, lax: 'lax', strict: 'strict', explicitNone: 'none' }[cookie.sameSite ?? 'none'];
  return [
    `${cookie.name}=${escapeData(cookie.value ?? '')}`,
    typeof seconds === 'number' && `expires=${new Date(seconds * 1000).toUTCString()}`,
    typeof maxAge === 'number' && `max-age=${Math.trunc(maxAge)}`,
    cookie.domain?.value && `domain=${cookie.domain.value}`,
    `path=${cookie.path?.value || '/'}`,
    cookie.secure?.value && 'secure',
    sameSite && `samesite=${sameSite}`,
    cookie.httpOnly?.value && 'httponly',
  ]
    .filter((part) => typeof part === 'string' && part !== '')
    .join('; ');
}

function nullable(entries: Iterable<readonly [string, string]>): Record<string, Nullable<string>> {
  return Object.fromEntries([...entries].map(([name, value]) => [name, { value }]));
}

function bodyOf(body: TypedData | null | undefined): Uint8Array | string | undefined {
  return body?.bytes ?? body?.string ?? body?.json ?? undefined;
}

/** `Uri.EscapeDataString`: also escapes what `encodeURIComponent` leaves. */
function escapeData(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
