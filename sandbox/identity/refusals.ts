/**
 * What the Microsoft identity platform refuses, with its own numbers and words. The numbers are here and nowhere else.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export interface Refusal {
  readonly error: string;
  /** The AADSTS number. */
  readonly number: number;
  readonly text: string;
  /** HTTP status at the token endpoint and of an error page; 400 unless said. */
  readonly status?: number;
  readonly suberror?: string;
  /** `error_subcode` of a redirect. */
  readonly subcode?: string;
  /** Claims challenge, as JSON text, where interaction is required. */
  readonly claims?: string;
}

interface AppName {
  readonly clientId: string;
  readonly name: string;
}

const invalidRequest = (number: number, text: string): Refusal => ({ error: 'invalid_request', number, text });
const invalidGrant = (number: number, text: string, suberror?: string): Refusal => ({
  error: 'invalid_grant',
  number,
  text,
  ...(suberror !== undefined && { suberror }),
});
const invalidClient = (number: number, text: string): Refusal => ({
  error: 'invalid_client',
  number,
  text,
  status: 401,
});

/** Policy id that a Conditional Access challenge names; made up. */
const CONDITIONAL_ACCESS_POLICY = 'ca000000-0000-4000-8000-000000000001';

const FEDERATION_HINT =
  'Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation';

export const refusals = {
  // Tenant and application
  tenantNotFound: (tenant: string): Refusal => ({
    error: 'invalid_tenant',
    number: 90002,
    text: `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  }),
  tenantMissing: (): Refusal =>
    invalidRequest(
      90019,
      'No tenant-identifying information found in either the request or implied by any provided credentials.',
    ),
  /** An application asked for a token of its own at an endpoint shared by many tenants. */
  tenantNotImplied: (): Refusal =>
    invalidRequest(
      50059,
      'No tenant-identifying information found in either the request or implied by any provided credentials.',
    ),
  appNotFound: (clientId: string, directory: string): Refusal => ({
    error: 'unauthorized_client',
    number: 700016,
    text: `Application with identifier '${clientId}' was not found in the directory '${directory}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
  }),
  appDisabled: ({ clientId, name }: AppName): Refusal => ({
    error: 'unauthorized_client',
    number: 7000112,
    text: `Application '${clientId}'(${name}) is disabled.`,
  }),
  servicePrincipalMissing: (clientId: string, tenant: string): Refusal =>
    invalidClient(
      7000229,
      `The client application '${clientId}' is missing service principal in the tenant '${tenant}'.`,
    ),
  singleTenantOnly: ({ clientId, name }: AppName, endpoint: string): Refusal =>
    invalidRequest(
      50194,
      `Application '${clientId}'(${name}) is not configured as a multi-tenant application. Usage of the /${endpoint} endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.`,
    ),
  organizationsOnly: ({ clientId, name }: AppName): Refusal =>
    invalidRequest(
      9002332,
      `Application '${clientId}'(${name}) is configured for use by Azure Active Directory users only. Please do not use the /consumers endpoint to serve this request.`,
    ),
  redirectUriNotRegistered: (redirectUri: string, clientId: string): Refusal =>
    invalidRequest(
      50011,
      `The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application '${clientId}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal.`,
    ),

  // Request
  parameterMissing: (name: string): Refusal =>
    invalidRequest(900144, `The request body must contain the following parameter: '${name}'.`),
  malformed: (): Refusal => invalidRequest(9002313, 'Invalid request. Request is malformed or invalid.'),
  responseTypeUnsupported: (type: string): Refusal => ({
    error: 'unsupported_response_type',
    number: 700054,
    text: `response_type '${type}' is not enabled for the application.`,
  }),
  responseModeUnsupported: (mode: string): Refusal =>
    invalidRequest(70007, `'${mode}' is not a supported value of 'response_mode'.`),
  grantTypeUnsupported: (type: string): Refusal => ({
    error: 'unsupported_grant_type',
    number: 70003,
    text: `The app requested an unsupported grant type '${type}'.`,
  }),
  scopeUnknown: (clientId: string, scope: string): Refusal => ({
    error: 'invalid_client',
    number: 650053,
    text: `The application '${clientId}' asked for scope '${scope}' that doesn't exist on the resource '00000003-0000-0000-c000-000000000000'.`,
  }),
  scopeNotDefault: (scope: string): Refusal => ({
    error: 'invalid_scope',
    number: 1002012,
    text: `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  }),
  signInNeeded: (): Refusal => ({
    error: 'login_required',
    number: 50058,
    text: 'A silent sign-in request was sent but no user is signed in.',
  }),

  // Sign-in and consent
  accountUnknown: (address: string): Refusal =>
    invalidGrant(50034, `We couldn't find an account with the username '${address}'.`),
  passwordWrong: (): Refusal => invalidGrant(50126, 'Your account or password is incorrect.'),
  accountOfAnotherTenant: (address: string, provider: string, tenant: string, { clientId, name }: AppName): Refusal =>
    invalidGrant(
      50020,
      `User account '${address}' from identity provider '${provider}' does not exist in tenant '${tenant}' and cannot access the application '${clientId}'(${name}) in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account.`,
    ),
  personalAccount: (address: string): Refusal =>
    invalidGrant(
      500200,
      `User account '${address}' is a personal Microsoft account. Personal Microsoft accounts are not supported for this application unless explicitly invited to an organization. Try signing out and signing back in with an organizational account.`,
    ),
  accountLocked: (): Refusal =>
    invalidGrant(
      50053,
      'The account is locked, you have tried to sign in too many times with an incorrect user ID or password.',
    ),
  permissionsMissing: ({ clientId, name }: AppName): Refusal => ({
    error: 'invalid_client',
    number: 650056,
    text: `Misconfigured application. The client has not listed any permissions in the requested permissions of the application registration. Application '${clientId}'(${name}).`,
  }),
  consentDeclined: (): Refusal => ({
    error: 'access_denied',
    number: 65004,
    text: 'User declined to consent to access the app.',
    subcode: 'cancel',
  }),
  adminConsentDeclined: (): Refusal => ({
    error: 'consent_required',
    number: 65004,
    text: 'The resource owner or authorization server denied the request.',
  }),
  adminApprovalNeeded: ({ name }: AppName): Refusal => ({
    error: 'access_denied',
    number: 90094,
    text: `An administrator of the organization has set a policy that prevents you from granting ${name} the permissions it is requesting. Contact an administrator, who can grant permissions to this app on your behalf.`,
  }),
  unavailable: (): Refusal => ({
    error: 'temporarily_unavailable',
    number: 90033,
    text: 'A transient error has occurred. Please try again.',
    status: 503,
  }),

  // Proof of the application
  proofMissing: (): Refusal =>
    invalidClient(
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
  secretWrong: (clientId: string): Refusal =>
    invalidClient(
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
    ),
  secretExpired: (clientId: string): Refusal =>
    invalidClient(
      7000222,
      `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for your app, or consider using certificate credentials for added security.`,
    ),
  assertionMalformed: (): Refusal => invalidClient(50027, 'JWT token is invalid or malformed.'),
  assertionExpired: (): Refusal => invalidClient(700024, 'Client assertion is not within its valid time range.'),
  noFederatedCredential: ({ clientId, name }: AppName): Refusal =>
    invalidClient(70025, `The client '${clientId}'(${name}) has no configured federated identity credentials.`),
  assertionIssuer: (issuer: string): Refusal =>
    invalidClient(
      700211,
      `No matching federated identity record found for presented assertion issuer '${issuer}'. ${FEDERATION_HINT}`,
    ),
  assertionAudience: (audience: string): Refusal =>
    invalidClient(
      700212,
      `No matching federated identity record found for presented assertion audience '${audience}'. ${FEDERATION_HINT}`,
    ),
  assertionSubject: (subject: string): Refusal =>
    invalidClient(
      700213,
      `No matching federated identity record found for presented assertion subject '${subject}'. ${FEDERATION_HINT}`,
    ),

  // Codes and refresh tokens
  grantMalformed: (): Refusal => invalidGrant(9002313, 'Invalid request. Request is malformed or invalid.'),
  grantOfAnotherApp: (parameter: 'code' | 'refresh_token'): Refusal =>
    invalidGrant(70000, `The provided value for the '${parameter}' parameter is not valid.`, 'bad_token'),
  grantOfAnotherTenant: (): Refusal =>
    invalidGrant(
      700005,
      'Provided Authorization Code or Refresh Token is intended to use against other tenant, thus rejected.',
    ),
  codeRedeemed: (): Refusal =>
    invalidGrant(
      54005,
      'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
    ),
  codeExpired: (): Refusal =>
    invalidGrant(70008, 'The provided authorization code or refresh token has expired due to inactivity.'),
  replyAddressDiffers: (now: string, before: string): Refusal => ({
    error: 'invalid_client',
    number: 500112,
    text: `The reply address '${now}' does not match the reply address '${before}' provided when requesting Authorization code.`,
  }),
  verifierWrong: (): Refusal =>
    invalidGrant(501481, 'The Code_Verifier does not match the code_challenge supplied in the authorization request.'),
  refreshTokenInactive: (): Refusal =>
    invalidGrant(700082, 'The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.'),
  refreshTokenRevoked: (): Refusal =>
    invalidGrant(
      50173,
      "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued before 'TokensValidFrom'.",
      'bad_token',
    ),
  refreshTokenUsed: (): Refusal =>
    invalidGrant(70000, 'The provided refresh token was used before and the sandbox rotates strictly.', 'bad_token'),
  consentMissing: ({ clientId, name }: AppName): Refusal =>
    invalidGrant(
      65001,
      `The user or administrator has not consented to use the application with ID '${clientId}' named '${name}'. Send an interactive authorization request for this user and resource.`,
      'consent_required',
    ),
  conditionalAccess: (): Refusal => ({
    error: 'interaction_required',
    number: 53003,
    text: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
    suberror: 'message_only',
    claims: JSON.stringify({
      access_token: { capolids: { essential: true, values: [CONDITIONAL_ACCESS_POLICY] } },
    }),
  }),
} as const;
