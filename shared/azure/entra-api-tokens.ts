import { createRemoteJWKSet, errors, type JWK, type JWTPayload, jwtVerify } from 'jose';
import type { ApiTokens, TokenRefusal, TokenVerdict } from '../access/api-access.ts';
import { judgeClaims } from '../access/judge-claims.ts';
import { HOUR, SECOND } from '../clock.ts';
import type { MicrosoftCloud } from '../microsoft/endpoints.ts';

export interface EntraApiTokensOptions {
  readonly cloud: MicrosoftCloud;
  readonly tenantId: string;
  readonly audience: string;
}

/** Far above any token of an application; people's tokens, which may be longer, are refused anyway. */
const MAX_LENGTH = 16 * 1024;
const CLOCK_SKEW_SECONDS = 60;
/** As long as Microsoft's own library keeps them: an outage of the key endpoint then rarely matters. */
const KEEP_KEYS_MS = 12 * HOUR;
/** Strangers may send made-up key ids: the endpoint is not asked more often than this for one that is unknown. */
const UNKNOWN_KEY_MS = 30 * SECOND;

/** `ApiTokens` on `jose`, for version 2.0 tokens of one tenant. The keys' address is the table's, never a token's. */
export class EntraApiTokens implements ApiTokens {
  private readonly options: EntraApiTokensOptions;
  private readonly issuer: string;
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;

  constructor(options: EntraApiTokensOptions) {
    const { cloud, tenantId } = options;
    this.options = options;
    this.issuer = `${cloud.issuerUrl}/${tenantId}/v2.0`;
    this.keys = createRemoteJWKSet(new URL(`${cloud.loginUrl}/${tenantId}/discovery/v2.0/keys`), {
      cacheMaxAge: KEEP_KEYS_MS,
      cooldownDuration: UNKNOWN_KEY_MS,
      timeoutDuration: 5 * SECOND,
    });
  }

  async judge(token: string): Promise<TokenVerdict> {
    if (token.length > MAX_LENGTH) return refused('malformed');
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.keys, {
        algorithms: ['RS256'],
        issuer: this.issuer,
        audience: this.options.audience,
        clockTolerance: CLOCK_SKEW_SECONDS,
        requiredClaims: ['exp'],
      });
      // Without one, a set of a single key would fit any token.
      if (protectedHeader.kid === undefined) return refused('key_unknown');
      if (!this.isKeyOfTenant(protectedHeader.kid)) return refused('key_of_another_tenant');
      const reason = judgeClaims(payload, this.options.tenantId);
      return reason ? refused(reason) : { kind: 'accepted' };
    } catch (error) {
      const reason = reasonOf(error);
      return reason ? refused(reason) : { kind: 'unknown', cause: error };
    }
  }

  /** Microsoft's key sets say whose tokens a key may sign; `{tenantid}` stands for any tenant's. */
  private isKeyOfTenant(keyId: string): boolean {
    const key: (JWK & { issuer?: unknown }) | undefined = this.keys.jwks()?.keys.find(({ kid }) => kid === keyId);
    const issuer = key?.issuer;
    return issuer === undefined || String(issuer).replace('{tenantid}', this.options.tenantId) === this.issuer;
  }
}

function refused(reason: TokenRefusal): TokenVerdict {
  return { kind: 'refused', reason };
}

/** Undefined when the fault is not the token's: the keys could not be fetched, or made no sense. */
function reasonOf(error: unknown): TokenRefusal | undefined {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return claimReason(error.claim, error.reason, error.payload);
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) return 'algorithm';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'key_unknown';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'malformed';
  return undefined;
}

function claimReason(claim: string, reason: string, payload: JWTPayload): TokenRefusal {
  if (claim === 'iss') return payload.iss?.startsWith('https://sts.') ? 'issuer_v1' : 'issuer';
  if (claim === 'aud') return 'audience';
  if (claim === 'nbf' && reason === 'check_failed') return 'not_yet_valid';
  return 'claims';
}
