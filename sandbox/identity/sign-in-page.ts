import { type Account, CONSUMERS_TENANT, type Directory } from '../directory.ts';
import { type Html, html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import type { AuthorizeRequest } from './authorize-request.ts';
import { SIGN_IN_FAILURES } from './failures.ts';
import { formTarget, page } from './layout.ts';

export interface SignInPageContent {
  readonly request: AuthorizeRequest;
  readonly context: string;
  readonly directory: Directory;
  readonly email: string;
  /** The failure that was chosen before. */
  readonly failure?: string;
  /** Why signing in did not work. */
  readonly message?: string;
}

/** Programs drive this page too: its fields and buttons are a contract (design, section 9). */
export function signInPage(content: SignInPageContent): Reply {
  const { request, message } = content;
  const card = html`<h1>Sign in</h1>
<p class="soft">to continue to <strong>${request.application.name}</strong></p>
${message !== undefined && html`<p class="alert" role="alert" id="alert">${message}</p>`}
${form(content)}`;
  return page({ title: message === undefined ? 'Sign in' : 'Error: sign in', card, beside: tiles(content) });
}

function form({ request, context, email, failure = '', message }: SignInPageContent): Html {
  const described = message !== undefined && html` aria-describedby="alert"`;
  return html`<form method="post" action="${formTarget(request.authority, 'login')}">
<input type="hidden" name="context" value="${context}">
<label for="email">Email</label>
<input id="email" name="email" type="email" autocomplete="username" required value="${email}"${described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<div class="extra">
<label for="failure">Let it fail (sandbox only)</label>
<select id="failure" name="failure" aria-describedby="failure-hint">
<option value="" label="No failure"></option>
${Object.entries(SIGN_IN_FAILURES).map(
  ([code, { words }]) => html`<option value="${code}"${code === failure && html` selected`}>${code}: ${words}</option>`,
)}
</select>
<p class="small soft" id="failure-hint">What the application meets after this sign-in.</p>
</div>
<div class="actions"><button type="submit" class="main">Sign in</button></div>
</form>`;
}

function tiles({ request, context, directory }: SignInPageContent): Html {
  const tile = (
    account: Account,
    index: number,
  ) => html`<li><form method="post" action="${formTarget(request.authority, 'login')}">
<input type="hidden" name="context" value="${context}">
<input type="hidden" name="account" value="${account.address}">
<button type="submit" aria-describedby="account-${index}">${account.address}</button>
<span class="small soft" id="account-${index}">${describe(account, directory)}</span>
</form></li>`;
  return html`<h2>Pick an account</h2>
<p class="small soft">No password needed.</p>
<ul class="tiles">${directory.accounts.map(tile)}</ul>`;
}

function describe({ kind, name, tenantId }: Account, directory: Directory): string {
  if (tenantId === CONSUMERS_TENANT) return `${name}: personal account, of no organization`;
  const tenant = directory.tenants.find(({ id }) => id === tenantId)?.name ?? 'an unknown organization';
  switch (kind) {
    case 'noMailbox':
      return `${name}: an account of ${tenant} without a mailbox`;
    case 'guest':
      return `${name}: invited by ${tenant}`;
    case 'otherTenant':
      return `${name}: a mailbox of ${tenant}, another organization`;
    default:
      return `${name}: a mailbox of ${tenant}`;
  }
}
