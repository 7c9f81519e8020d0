/** An answer of Graph that is not a success, before it gets its ids. */
export interface GraphFailure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Told apart from a success by the caller: `'code' in result`. */
export function failure(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): GraphFailure {
  return { status, code, message, headers };
}

export function invalidToken(message: string): GraphFailure {
  // The app id is Microsoft Graph's own, the same in every tenant.
  return failure(401, 'InvalidAuthenticationToken', message, {
    'www-authenticate':
      'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"',
  });
}
