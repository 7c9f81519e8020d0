import { html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import { page, type Shell } from './layout.ts';
import { type Attempt, EXPECTED_MAILBOX, linkForm, NO_ATTEMPT } from './link-form.ts';
import { type Hints, sandboxHint, scopeTable } from './link-texts.ts';

export const SERVICE_PROVIDER_PATH = '/service-provider';
export const SERVICE_PROVIDER_FIELDS = [EXPECTED_MAILBOX];

/** Links through RoboMQ's application. The wording is the user documentation's. */
export function serviceProviderPage(shell: Shell, hints: Hints | undefined, attempt: Attempt = NO_ATTEMPT): Reply {
  return page(shell, {
    title: 'Service Provider Application',
    tab: SERVICE_PROVIDER_PATH,
    status: attempt.status,
    content: html`<h1>Service Provider Application</h1>
<p class="lead">Outlook application on Hire2retire uses OAuth authorization. By linking your Outlook account with Hire2retire, you can authorise the RoboMQ application to have delegated access to send mail on your behalf, for which you will be provided with a consent window to provide permission required by Hire2retire.</p>
<div class="columns">
<div>
<section class="card" aria-labelledby="create">
<h2 id="create">Create a Connection</h2>
<p>You need to have an Outlook account with mailbox enabled before using Outlook services on Hire2retire.</p>
${linkForm(SERVICE_PROVIDER_PATH, SERVICE_PROVIDER_FIELDS, attempt)}
</section>
${hints && sandboxHint(hints)}
</div>
<section aria-labelledby="steps">
<h2 id="steps">How it works</h2>
<ol class="steps">
<li>To authenticate your account you need to click the <strong>Link account</strong> button, which will redirect you to the Outlook sign-in page.</li>
<li>Following successful sign-in, Outlook presents you with a permissions page. On this page, you will be asked to provide certain permissions that are required by Hire2Retire to send emails on your behalf.</li>
<li>Once you’ve consented to the permissions, you will be redirected back to Hire2retire. This redirection signifies the successful establishment of the connection between the two platforms.</li>
</ol>
</section>
</div>
<section aria-labelledby="scopes">
<h2 id="scopes">Permissions</h2>
<p>Following permissions are required on your account to provide a seamless integration experience.</p>
${scopeTable('To Send Mail on your behalf')}
</section>`,
  });
}
