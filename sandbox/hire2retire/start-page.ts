import { html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import { page, type Shell } from './layout.ts';

/** Where a visitor begins: which application to link through. */
export function startPage(shell: Shell): Reply {
  return page(shell, {
    title: 'Sending Mail through Outlook',
    content: html`<h1>Sending Mail through Outlook</h1>
<p class="lead">Hire2Retire now supports sending mails through your Outlook account using OAuth based authentication mechanism.</p>
<h2>Add Outlook Connection</h2>
<div class="columns">
<section class="card" aria-labelledby="service-provider">
<h3 id="service-provider">Service Provider Application</h3>
<p>Authorise the RoboMQ application to send mail on your behalf. You sign in and consent; there is nothing to set up.</p>
<p class="actions"><a class="button" href="/service-provider">Use the RoboMQ application</a></p>
</section>
<section class="card" aria-labelledby="customer-owned">
<h3 id="customer-owned">Customer Owned Application</h3>
<p>Use an application registered on your tenant, with its client ID and client secret.</p>
<p class="actions"><a class="button" href="/customer-owned">Use your own application</a></p>
</section>
</div>
<p><a href="/connections">See the connections that exist</a></p>`,
  });
}
