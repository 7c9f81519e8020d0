import { html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import type { Field } from './form.ts';
import { page, type Shell } from './layout.ts';
import { type Attempt, EXPECTED_MAILBOX, linkForm, NO_ATTEMPT } from './link-form.ts';
import { type Hints, sandboxHint, scopeTable } from './link-texts.ts';

export const CUSTOMER_OWNED_PATH = '/customer-owned';

export const CUSTOMER_OWNED_FIELDS: readonly Field[] = [
  { name: 'clientId', label: 'Client ID', hint: 'Application ID' },
  {
    name: 'clientSecret',
    label: 'Client Secret',
    hint: 'The value of the secret, not its ID.',
    secret: true,
  },
  {
    name: 'tenant',
    label: 'Tenant',
    hint: 'ID or domain. An application for one organization only needs it: without it, Microsoft shows the error AADSTS50194 and does not lead back.',
    optional: true,
  },
  EXPECTED_MAILBOX,
];

/** Links through the customer's own app registration. The wording is the user documentation's. */
export function customerOwnedPage(shell: Shell, hints: Hints | undefined, attempt: Attempt = NO_ATTEMPT): Reply {
  return page(shell, {
    title: 'Customer Owned Application',
    tab: CUSTOMER_OWNED_PATH,
    status: attempt.status,
    content: html`<h1>Customer Owned Application</h1>
<p class="lead">Hire2Retire requires the user to sign-in for this connection. You need to have the application registered on your tenant &amp; provide the necessary permissions required by Hire2Retire. Hire2Retire requires the following details to create a connection.</p>
<div class="columns">
<div>
<section class="card" aria-labelledby="create">
<h2 id="create">Create a Connection</h2>
${linkForm(CUSTOMER_OWNED_PATH, CUSTOMER_OWNED_FIELDS, attempt)}
</section>
${hints && sandboxHint(hints, customerOwnedHint(hints))}
</div>
<section aria-labelledby="steps">
<h2 id="steps">How it works</h2>
<p>To create a connection with your own instance of the Entra ID application select the customer owned application option.</p>
<ol class="steps">
<li>To authenticate your account you need to enter your client id and client secret and then click the <strong>Link account</strong> button, which will redirect you to the Outlook sign-in page.</li>
<li>After successful sign-in into your customer owned app and accepting the permissions required consent form the connection will be made and user will be redirected back to Hire2retire.</li>
</ol>
${GUIDES}
</section>
</div>`,
  });
}

const GUIDES = html`<details>
<summary>Application Registration</summary>
<p>Make sure you have an O365 subscription or access to Entra ID portal.</p>
<ol>
<li>Sign in to the Entra ID portal</li>
<li>Browse to App registrations and select New registration.</li>
<li>Enter a display name for your application. In the redirect URI field enter <code>https://hire2retire.robomq.io/api/auth/callback/Outlook</code></li>
<li>Specify who can use the application in supported account types.</li>
<li>Select Register to complete the initial app registration.</li>
</ol>
</details>
<details>
<summary>Credentials</summary>
<p>Credentials enable your application to authenticate independently, by using a client secret the application will identify itself at runtime.</p>
<ul>
<li>Client ID - Application ID</li>
<li>Client Secret - A string value your app can use in place of a certificate to identify itself.</li>
</ul>
<p>To get the credentials for your application follow these steps:</p>
<ol>
<li>To get the client id of your application, head over to Overview blade under the Essentials section.</li>
<li>To get the client secret go to the Manage section in the navigation panel. Click on Certificates &amp; Secrets.</li>
<li>After adding this secret to the application the value will show on the page, save this value somewhere safe because after page refresh the value of the secret will be masked.</li>
</ol>
<p>It is recommended to set the expiration time to 730 days(24 months) for client secret.</p>
</details>
<details>
<summary>Application Permissions</summary>
<p>Set up application permissions for any application that needs to authenticate itself after the user’s consent. To authorize a registered application to access the Microsoft Graph API, navigate to API permissions &gt; Add a permission &gt; Microsoft APIs &gt; Microsoft Graph &gt; Delegated permissions.</p>
<p>Robomq needs the following permissions on your registered application to provide a seamless connection experience:</p>
${scopeTable('To Send Mail your behalf')}
<ol>
<li>To set permissions go to manage blade then API permissions &gt; Add a permission &gt; Microsoft APIs and then click on Microsoft graph next, select delegated permissions.</li>
<li>In the search bar input Mail.Send and select the scope under the Mail section.</li>
<li>Search for offline in the search bar and select the offline_access under the OpenId section</li>
</ol>
<p>Add these permission so that the app can authorize your sign and gives rights to send mail as you.</p>
</details>`;

function customerOwnedHint({ customerOwned }: Hints) {
  return html`<p>Acme has an application registered already; its redirect URI is this computer’s.</p>
<dl class="facts">
<div><dt>Client ID</dt><dd><code>${customerOwned.clientId}</code></dd></div>
<div><dt>Client Secret</dt><dd><code>${customerOwned.clientSecret}</code></dd></div>
<div><dt>Tenant</dt><dd><code>${customerOwned.tenant}</code></dd></div>
</dl>`;
}
