/** What proves this server to the API: headers of a request. */
export type CallerProof = () => Promise<Readonly<Record<string, string>>>;

export function functionKeyProof(functionKey: string): CallerProof {
  return async () => ({ 'x-functions-key': functionKey });
}

/** An app registration that holds the role `Outlook.Manage` of the API. */
export interface ApiCaller {
  /** `https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token` */
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** `{client ID of the API}/.default` */
  readonly scope: string;
}

/** A new token is fetched when the one at hand has less than this left. */
const RENEW_BEFORE_MS = 5 * 60_000;
const TIMEOUT_MS = 10_000;

/** A token of Entra by the client credentials grant, kept until shortly before it expires. Requests share one. */
export function tokenProof(caller: () => ApiCaller): CallerProof {
  let kept: Promise<Token> | undefined;
  const forget = (token: Promise<Token>) => {
    if (kept === token) kept = undefined;
  };
  const current = (): Promise<Token> => {
    if (kept) return kept;
    const fetched = fetchToken(caller());
    fetched.catch(() => forget(fetched));
    kept = fetched;
    return fetched;
  };
  return async () => {
    const known = current();
    if ((await known).expiresAt - Date.now() < RENEW_BEFORE_MS) forget(known);
    return { authorization: `Bearer ${(await current()).value}` };
  };
}

interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

async function fetchToken({ tokenUrl, clientId, clientSecret, scope }: ApiCaller): Promise<Token> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope };
  const response = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams(form),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = (await response.json().catch(() => undefined)) as
    | { readonly access_token?: string; readonly expires_in?: number; readonly error?: string }
    | undefined;
  if (!response.ok || !body?.access_token) throw new Error(`no token for the API: ${body?.error ?? response.status}`);
  return { value: body.access_token, expiresAt: Date.now() + (body.expires_in ?? 0) * 1000 };
}
