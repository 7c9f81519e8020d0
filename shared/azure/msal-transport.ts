import { AuthError, type INetworkModule, type NetworkRequestOptions, type NetworkResponse } from '@azure/msal-node';
import { retryAfterMs } from '../mail/outcome.ts';
import type { MicrosoftErrorFacts } from '../microsoft/identity-platform.ts';
import type { StoreUnavailable } from '../storage/ports.ts';

/** What MSAL hides of the last exchange with the token endpoint. */
export interface Exchange {
  /** The rotated refresh token; MSAL keeps it in its cache only. */
  refreshToken?: string;
  failure?: MicrosoftErrorFacts;
  /** There was no exchange: what proves the application could not be had. */
  unproven?: StoreUnavailable;
}

/**
 * Network module for one MSAL client and one operation. MSAL's own has no time limit, loses status and Retry-After,
 * takes `{}` for a success, and throttles one user after another's error.
 */
export function tokenEndpointTransport(timeoutMs: number): {
  readonly exchange: Exchange;
  readonly network: INetworkModule;
} {
  const exchange: Exchange = {};
  const request = async <T>(
    method: string,
    url: string,
    options: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> => {
    const { response, body } = await call(method, url, options, timeoutMs, exchange);
    const text = (name: string) => (typeof body?.[name] === 'string' ? (body[name] as string) : undefined);
    exchange.refreshToken = text('refresh_token') ?? '';
    const unusable = method === 'POST' && !text('access_token') && !text('error');
    if (response.status >= 400 || unusable) {
      exchange.failure = {
        error: text('error') ?? 'unusable_answer',
        status: unusable && response.status < 400 ? 502 : response.status,
        ...optional('suberror', text('suberror')),
        ...optional('number', firstNumber(body?.['error_codes'])),
        ...optional('correlationId', text('correlation_id')),
        ...optional('traceId', text('trace_id')),
        ...optional('retryAfterSeconds', retryAfterSeconds(response)),
      };
      // Leaving here keeps MSAL from recording the error and refusing the next call by itself.
      throw failure(exchange.failure.error);
    }
    return { status: response.status, headers: Object.fromEntries(response.headers), body: body as T };
  };
  return {
    exchange,
    network: {
      sendGetRequestAsync: <T>(url: string, options?: NetworkRequestOptions) => request<T>('GET', url, options),
      sendPostRequestAsync: <T>(url: string, options?: NetworkRequestOptions) => request<T>('POST', url, options),
    },
  };
}

async function call(
  method: string,
  url: string,
  options: NetworkRequestOptions,
  timeoutMs: number,
  exchange: Exchange,
) {
  try {
    const response = await fetch(url, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      ...optional('headers', options.headers),
      ...optional('body', options.body),
    });
    const body = (await response.json().catch(() => undefined)) as Record<string, unknown> | undefined;
    return { response, body };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    exchange.failure = { error: timedOut ? 'timeout' : 'network_error' };
    throw failure(exchange.failure.error);
  }
}

/** MSAL replaces any error that is not an AuthError by a bare `network_error`. */
function failure(code: string): AuthError {
  return new AuthError(code, 'the token endpoint did not answer with a token', '');
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}

function firstNumber(value: unknown): number | undefined {
  return Array.isArray(value) && typeof value[0] === 'number' ? value[0] : undefined;
}

/** How long Microsoft asks to wait: seconds or a date, an hour at most; undefined when it does not say. */
export function retryAfterSeconds(response: Response): number | undefined {
  const ms = retryAfterMs(response.headers.get('retry-after') ?? undefined, new Date());
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}
