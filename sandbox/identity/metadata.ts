import { type Authority, issuerOf, issuerTenant } from './authority.ts';

/** The OpenID configuration: issuer as at Microsoft's, endpoints here. */
export function metadata(authority: Authority, url: string): object {
  const base = `${url}/${authority.name}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    code_challenge_methods_supported: ['S256'],
    issuer: issuerOf(issuerTenant(authority)),
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'preferred_username', 'name', 'tid', 'oid', 'ver'],
    tenant_region_scope: null,
  };
}
