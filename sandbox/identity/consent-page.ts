import type { Directory } from '../directory.ts';
import { html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import type { SignedIn } from './authorize-request.ts';
import { decisionForm, permissionList, publisherDomain } from './consent-parts.ts';
import { formTarget, page } from './layout.ts';

export interface ConsentPageContent extends SignedIn {
  readonly context: string;
  readonly directory: Directory;
}

/** Programs drive this page too: one form, buttons Accept and Cancel (design, section 9). */
export function consentPage({ request, account, context, directory }: ConsentPageContent): Reply {
  const { application, authority, scopes } = request;
  const card = html`<p class="account">${account.address}</p>
<h1>Permissions requested</h1>
<p><strong>${application.name}</strong><br><span class="soft">published by ${publisherDomain(application, directory)}</span></p>
<p>This application would like to:</p>
${permissionList(scopes)}
<p class="small soft">Accept only if you trust ${application.name}. It acts as ${account.address}, also while you are not
signed in, until you withdraw the permission.</p>
${decisionForm(formTarget(authority, 'consent'), context)}`;
  return page({ title: 'Permissions requested', card });
}
