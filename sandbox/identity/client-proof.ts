import type { Application } from '../directory.ts';
import { issuerOf } from './authority.ts';
import { EntraError } from './entra-error.ts';
import type { Platform } from './platform.ts';
import { refusals } from './refusals.ts';

const TOKEN_EXCHANGE_AUDIENCE = 'api://AzureADTokenExchange';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Checks what an application proves itself with: its secret, or a token of the managed identity it trusts. */
export function checkClientProof(form: URLSearchParams, application: Application, platform: Platform): void {
  const assertion = form.get('client_assertion');
  if (assertion === null) checkSecret(form.get('client_secret'), application, platform);
  else if (form.get('client_assertion_type') === JWT_BEARER) checkAssertion(assertion, application, platform);
  else throw new EntraError(refusals.parameterMissing('client_assertion_type'));
}

function checkSecret(secret: string | null, { clientId }: Application, { applications }: Platform): void {
  if (!secret) throw new EntraError(refusals.proofMissing());
  const answer = applications.checkSecret(clientId, secret);
  if (answer === 'wrong') throw new EntraError(refusals.secretWrong(clientId));
  if (answer === 'expired') throw new EntraError(refusals.secretExpired(clientId));
}

/**
 * Only the service provider's application trusts the managed identity. The signature is not checked: the stand-in of the
 * managed identity has no key that Microsoft would know.
 */
function checkAssertion(assertion: string, application: Application, { directory, applications }: Platform): void {
  if (application.clientId !== directory.applications.serviceProvider.clientId)
    throw new EntraError(refusals.noFederatedCredential(application));
  const { aud, iss, sub, exp } = claimsOf(assertion);
  const { tenantId } = directory.managedIdentity;
  if (iss !== issuerOf(tenantId)) throw new EntraError(refusals.assertionIssuer(String(iss)));
  if (aud !== TOKEN_EXCHANGE_AUDIENCE) throw new EntraError(refusals.assertionAudience(String(aud)));
  if (sub !== applications.trustedSubject) throw new EntraError(refusals.assertionSubject(String(sub)));
  if (!(typeof exp === 'number' && exp * 1000 > Date.now())) throw new EntraError(refusals.assertionExpired());
}

interface AssertionClaims {
  readonly aud?: unknown;
  readonly iss?: unknown;
  readonly sub?: unknown;
  readonly exp?: unknown;
}

function claimsOf(assertion: string): AssertionClaims {
  const [, payload, ...rest] = assertion.split('.');
  try {
    if (payload === undefined || rest.length !== 1) throw new Error('not three parts');
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null) throw new Error('not an object');
    return claims;
  } catch {
    throw new EntraError(refusals.assertionMalformed());
  }
}
