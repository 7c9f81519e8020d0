import type { HttpRequest } from '@azure/functions';
import type { ApiAccess, TokenRefusal } from '../../shared/access/api-access.ts';
import { AppError } from '../../shared/errors.ts';
import type { Invocation } from '../../shared/log.ts';
import type { Endpoint } from './endpoint.ts';
import { hasKeyInHeader, KEY_PARAMETER } from './input.ts';

/** How a route is registered: what the host checks, and the endpoint with what is checked before it runs. */
export interface ProtectedEndpoint {
  readonly authLevel: 'function' | 'anonymous';
  readonly endpoint: Endpoint;
}

/** What some client puts a credential into: a function key, or a token. */
const CREDENTIAL_PARAMETERS = [KEY_PARAMETER, 'access_token'];

/** One token after `Bearer`. A second header arrives joined by a comma, which no token has. */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

/**
 * Puts the check of the caller in front of an endpoint. By key: the host checks it. By token: the host lets everybody
 * in, and nothing of the endpoint runs before its token was accepted.
 */
export function protect(endpoint: Endpoint, access: ApiAccess): ProtectedEndpoint {
  if (endpoint.auth === 'anonymous') return { authLevel: 'anonymous', endpoint };
  const demandCaller = access.kind === 'functionKey' ? async () => {} : demandToken(endpoint, access);
  return {
    authLevel: access.kind === 'functionKey' ? 'function' : 'anonymous',
    endpoint: {
      ...endpoint,
      handle: async (request, invocation) => {
        await demandCaller(request, invocation);
        demandCleanUrl(request, access, endpoint, invocation);
        return endpoint.handle(request, invocation);
      },
    },
  };
}

/**
 * The host takes a key from `code`, in capitals too. Also where it opens nothing, nobody shall get used to it. Test/Run of
 * the Azure portal cannot do otherwise: it sends a key in the header, which is the one that counts, and one in the URL.
 * @throws {AppError} key_in_url
 */
function demandCleanUrl(request: HttpRequest, access: ApiAccess, { name }: Endpoint, { log }: Invocation): void {
  const given = [...request.query.keys()].map((each) => each.toLowerCase());
  const credentials = given.filter((each) => CREDENTIAL_PARAMETERS.includes(each));
  if (credentials.length === 0) return;
  const besideHeader = access.kind === 'functionKey' && hasKeyInHeader(request);
  if (!besideHeader || credentials.some((each) => each !== KEY_PARAMETER)) throw new AppError('key_in_url');
  log.warning('api.key_in_url', { function: name });
}

function demandToken({ name }: Endpoint, { tokens }: ApiAccess & { kind: 'token' }) {
  return async (request: HttpRequest, invocation: Invocation): Promise<void> => {
    const header = request.headers.get('authorization');
    const token = BEARER.exec(header ?? '')?.[1];
    if (token === undefined) throw refusal(invocation, name, header === null ? 'missing' : 'malformed');
    const verdict = await tokens.judge(token);
    if (verdict.kind === 'refused') throw refusal(invocation, name, verdict.reason);
    if (verdict.kind === 'accepted') return;
    // Not 401: that would send callers for new tokens, which nobody could judge either.
    invocation.log.failure('api.keys_unavailable', verdict.cause, { function: name });
    throw new AppError('service_unavailable', { retryAfterSeconds: 5 });
  };
}

function refusal({ log }: Invocation, endpoint: string, reason: TokenRefusal): AppError {
  log.warning('api.token_refused', { function: endpoint, reason });
  return new AppError('unauthorized');
}
