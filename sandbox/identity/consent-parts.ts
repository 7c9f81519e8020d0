import type { Application, Directory } from '../directory.ts';
import { type Html, html } from '../kit/page.ts';
import { permissions } from './scopes.ts';

const TICK = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 12.5l5 5L20 6.5" fill="none" stroke="#0067b8" stroke-width="2.5"/></svg>`;

/** What the application asks for, in plain words. */
export function permissionList(scopes: readonly string[]): Html {
  return html`<ul class="asks">${permissions(scopes).map(
    ({ words, scope }) => html`<li>${TICK}<span>${words} <code>(${scope})</code></span></li>`,
  )}</ul>`;
}

/** The verified domain of the tenant in which the application is registered. */
export function publisherDomain({ tenantId }: Application, directory: Directory): string {
  return directory.tenants.find(({ id }) => id === tenantId)?.domain ?? 'unknown publisher';
}

/** One form, two buttons, nothing to fill in. */
export function decisionForm(action: string, context: string): Html {
  return html`<form method="post" action="${action}">
<input type="hidden" name="context" value="${context}">
<div class="actions">
<button type="submit" name="decision" value="cancel" class="other">Cancel</button>
<button type="submit" name="decision" value="accept" class="main">Accept</button>
</div>
</form>`;
}
