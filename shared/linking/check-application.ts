import { AppError, type LinkErrorCode } from '../errors.ts';
import { isSecretId } from '../ids.ts';
import type { Invocation } from '../log.ts';
import { MicrosoftError, type MicrosoftErrorFacts } from '../microsoft/identity-platform.ts';
import type { LinkingDeps } from './deps.ts';
import { linkErrorOf } from './microsoft-errors.ts';
import type { CheckApplicationRequest } from './requests.ts';

export interface CheckedApplication {
  readonly ok: boolean;
  /** What is wrong, of the catalogue. */
  readonly code?: LinkErrorCode;
}

/**
 * Whether Microsoft knows a customer's application by this tenant, client ID and secret, before anybody signs in. At
 * most one request; nothing is stored, and the token that proves it is dropped.
 * @throws {AppError} microsoft_unavailable: nothing was proven, in either direction
 */
export async function checkApplication(
  deps: Pick<LinkingDeps, 'identity'>,
  request: CheckApplicationRequest,
  { log }: Invocation,
): Promise<CheckedApplication> {
  const { tenant, clientSecret } = request;
  const clientId = request.clientId.toLowerCase();
  const wrong = (code: LinkErrorCode, facts?: MicrosoftErrorFacts): CheckedApplication => {
    log.event('application.checked', {
      clientId,
      code,
      aadsts: facts?.number,
      microsoftCorrelationId: facts?.correlationId,
    });
    return { ok: false, code };
  };
  if (isSecretId(clientSecret)) return wrong('secret_is_id');
  // An application gets tokens of its own at its tenant alone; a shared authority would have to guess the tenant.
  if (tenant === undefined) return wrong('tenant_unknown');
  try {
    await deps.identity.proveApplication({ clientId, proof: { kind: 'secret', value: clientSecret } }, tenant);
  } catch (error) {
    if (!(error instanceof MicrosoftError)) throw error;
    const code = codeOf(error.facts);
    if (code !== 'microsoft_unavailable') return wrong(code, error.facts);
    throw new AppError(code, { retryAfterSeconds: error.facts.retryAfterSeconds ?? 30, cause: error });
  }
  log.event('application.checked', { clientId, code: 'ok' });
  return { ok: true };
}

/** `invalid_tenant` is met here alone: links ask for the tenant of a domain before they use it. */
function codeOf(facts: MicrosoftErrorFacts): LinkErrorCode {
  return facts.error === 'invalid_tenant' ? 'tenant_unknown' : linkErrorOf(facts);
}
