import type { Application, Directory, Tenant } from '../directory.ts';
import { html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import type { Authority } from './authority.ts';
import { decisionForm, permissionList, publisherDomain } from './consent-parts.ts';
import { formTarget, page } from './layout.ts';

export interface AdminConsentPageContent {
  readonly application: Application;
  readonly tenant: Tenant;
  readonly authority: Authority;
  readonly scopes: readonly string[];
  readonly context: string;
  readonly directory: Directory;
}

export function adminConsentPage(content: AdminConsentPageContent): Reply {
  const { application, tenant, authority, scopes, context, directory } = content;
  const card = html`<p class="account">Administrator of ${tenant.name}</p>
<h1>Permissions requested</h1>
<p><strong>Review for your organization, ${tenant.name}</strong></p>
<p><strong>${application.name}</strong><br><span class="soft">published by ${publisherDomain(application, directory)}</span></p>
<p>This application would like to:</p>
${permissionList(scopes)}
<p class="small soft">At Microsoft, nobody in ${tenant.name} would be asked for these permissions again. Each person
still links their own mailbox.</p>
${decisionForm(formTarget(authority, 'adminconsent'), context)}`;
  return page({ title: 'Permissions requested for your organization', card });
}
