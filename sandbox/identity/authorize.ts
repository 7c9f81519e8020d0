import { randomUUID } from 'node:crypto';
import type { Account } from '../directory.ts';
import type { Fault, Outcome } from '../kit/journal.ts';
import type { Call, Reply } from '../kit/serve.ts';
import { type Authority, refuseAccount, resolveAuthority } from './authority.ts';
import { type AuthorizeRequest, readAuthorizeRequest, refuseByRedirect, type SignedIn } from './authorize-request.ts';
import { consentPage } from './consent-page.ts';
import { EntraError, errorParameters } from './entra-error.ts';
import { expiredPage } from './error-page.ts';
import { isSignInFailure, SIGN_IN_FAILURES, type SignInFailure } from './failures.ts';
import { formOf, type Platform, redirectBack } from './platform.ts';
import { type Refusal, refusals } from './refusals.ts';
import { signInPage } from './sign-in-page.ts';
import { clientInfo } from './tokens.ts';

/** Somebody signed in and is asked for consent. */
export interface Consent extends SignedIn {
  readonly failure: SignInFailure | undefined;
}

export const AUTHORIZE = 'oauth2/v2.0/authorize';

/** `GET authorize`: the sign-in page. */
export function authorize(call: Call, authority: Authority, platform: Platform): Outcome {
  const query = call.url.searchParams;
  const request = readAuthorizeRequest(query, authority, platform);
  const refusal = refuseByRedirect(query, request);
  if (refusal) return redirectError(call, request, refusal);
  const context = platform.signIns.keep(request);
  return { reply: signInPage({ request, context, directory: platform.directory, email: request.loginHint }) };
}

/** The sign-in form, and the account tiles, which need no password. */
export function signIn(call: Call, _authority: Authority, platform: Platform): Outcome {
  const form = formOf(call);
  const context = form.get('context');
  const request = platform.signIns.find(context);
  if (!request || context === null) return { reply: expiredPage(), taken: false };

  const tile = form.get('account');
  const email = (tile ?? form.get('email') ?? '').trim();
  const code = form.get('failure') ?? '';
  const again = (message: string): Outcome => ({
    reply: signInPage({ request, context, directory: platform.directory, email, failure: code, message }),
    taken: false,
  });

  const account = findAccount(platform, email);
  if (!account) return again(shown(refusals.accountUnknown(email)));
  if (tile === null && form.get('password') !== account.password) return again(shown(refusals.passwordWrong()));
  const refusal = refuseAccount(request.authority, account, request.application);
  if (refusal) return again(shown(refusal));
  if (code !== '' && !isSignInFailure(code)) return again(`Sign-in cannot cause the failure '${code}'.`);

  const failure = code === '' ? undefined : code;
  if (failure !== undefined && SIGN_IN_FAILURES[failure].at === 'redirect')
    return redirectError(call, request, SIGN_IN_FAILURES[failure].refusal(request.application, account));
  const consent = { request, account, failure };
  return {
    reply: consentPage({ ...consent, context: platform.consents.keep(consent), directory: platform.directory }),
    taken: true,
    mailbox: account.address,
  };
}

/** The consent form. It is shown at every sign-in, so that every walk through linking meets it. */
export function consent(call: Call, _authority: Authority, platform: Platform): Outcome {
  const form = formOf(call);
  const found = platform.consents.find(form.get('context'));
  if (!found) return { reply: expiredPage(), taken: false };
  const { request, account, failure } = found;
  const decision = form.get('decision');
  if (decision === 'cancel') return redirectError(call, request, refusals.consentDeclined());
  if (decision !== 'accept') throw new EntraError(refusals.parameterMissing('decision'));
  platform.applications.install(request.application, account.tenantId);
  const code = platform.grants.issueCode({
    clientId: request.application.clientId,
    account,
    scopes: request.scopes,
    redirectUri: request.redirectUri,
    challenge: request.challenge,
    nonce: request.nonce,
    failure,
  });
  const parameters = {
    code,
    client_info: request.clientInfo ? clientInfo(account) : undefined,
    state: request.state,
    session_state: randomUUID(),
  };
  return { reply: redirectBack(request.redirectUri, parameters), taken: true, mailbox: account.address };
}

/** Answers a fault with `redirect`; like Entra, only towards a registered redirect URI. */
export function redirectFault(
  call: Call,
  redirect: NonNullable<Fault['redirect']>,
  platform: Platform,
): Reply | undefined {
  const [, segment = '', ...rest] = call.url.pathname.split('/');
  const authority = resolveAuthority(platform.directory, segment);
  if (call.method !== 'GET' || rest.join('/') !== AUTHORIZE || !authority) return undefined;
  try {
    const request = readAuthorizeRequest(call.url.searchParams, authority, platform);
    return redirectBack(request.redirectUri, { ...redirect, state: request.state });
  } catch (error) {
    if (error instanceof EntraError) return undefined;
    throw error;
  }
}

function redirectError(call: Call, { redirectUri, state }: AuthorizeRequest, refusal: Refusal): Outcome {
  return { reply: redirectBack(redirectUri, { ...errorParameters(call, refusal), state }), taken: false };
}

function findAccount({ directory }: Platform, email: string): Account | undefined {
  return directory.accounts.find(({ address }) => address.toLowerCase() === email.toLowerCase());
}

const shown = ({ number, text }: Refusal) => `AADSTS${number}: ${text}`;
