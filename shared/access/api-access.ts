/** Why a token does not open the API. For the log alone: a caller learns nothing. */
export type TokenRefusal =
  | 'missing'
  | 'malformed'
  | 'algorithm'
  | 'key_unknown'
  | 'key_of_another_tenant'
  | 'signature'
  | 'issuer'
  | 'issuer_v1'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'claims'
  | 'tenant'
  | 'user_token'
  | 'role_missing';

export type TokenVerdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly reason: TokenRefusal }
  /** The signing keys could not be fetched: nobody can tell whether the token is right. */
  | { readonly kind: 'unknown'; readonly cause: unknown };

/** Judges access tokens for this API. Never throws for what a token is or for what the network does. */
export interface ApiTokens {
  judge(token: string): Promise<TokenVerdict>;
}

/** How callers of the `function` routes prove themselves. */
export type ApiAccess =
  /** By a key, which the host has checked before a function runs. */
  | { readonly kind: 'functionKey' }
  /** By a token, which the registration of each route checks. */
  | { readonly kind: 'token'; readonly tokens: ApiTokens };
