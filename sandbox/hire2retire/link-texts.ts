import { type Html, html } from '../kit/page.ts';

/** What the sandbox tells its visitor; the real Hire2Retire has none of it. */
export interface Hints {
  readonly users: readonly { readonly address: string; readonly password: string }[];
  readonly customerOwned: { readonly clientId: string; readonly clientSecret: string; readonly tenant: string };
}

export function scopeTable(mailSend: string): Html {
  return html`<table>
<thead><tr><th scope="col">Scopes</th><th scope="col">Explanation</th></tr></thead>
<tbody>
<tr><th scope="row"><code>Mail.Send</code></th><td>${mailSend}</td></tr>
<tr><th scope="row"><code>offline_access</code></th><td>With the offline_access scope, the app can receive refresh tokens from the Microsoft identity platform token endpoint</td></tr>
</tbody>
</table>`;
}

/** Who can sign in, and with `more` further lines. */
export function sandboxHint({ users }: Hints, more?: Html): Html {
  const [user] = users;
  return html`<aside class="hint-box" aria-label="Sandbox">
<p><strong>In this sandbox</strong> nothing leaves your computer. Sign in as ${user && html`<code>${user.address}</code> with the password <code>${user.password}</code>`}.</p>
${more}
</aside>`;
}
