import { html } from '../kit/page.ts';
import type { Call, Reply } from '../kit/serve.ts';
import { traced } from './entra-error.ts';
import { page } from './layout.ts';
import type { Refusal } from './refusals.ts';

/** What Entra shows itself, because it must not or cannot redirect. */
export function errorPage(call: Call, refusal: Refusal): Reply {
  const { traceId, correlationId, timestamp } = traced(call, refusal);
  const card = html`<h1>Sign in</h1>
<p>Sorry, but we’re having trouble signing you in.</p>
<p class="alert" role="alert">AADSTS${String(refusal.number)}: ${refusal.text}</p>
<dl>
<dt>Request Id</dt><dd>${traceId}</dd>
<dt>Correlation Id</dt><dd>${correlationId}</dd>
<dt>Timestamp</dt><dd>${timestamp}</dd>
</dl>`;
  return page({ status: 400, title: 'Error: sign in', card });
}

/** A form whose page was left open too long, or was made up. */
export function expiredPage(): Reply {
  const card = html`<h1>This page has expired</h1>
<p class="alert" role="alert">Go back to the application and start again.</p>`;
  return page({ status: 400, title: 'Error: this page has expired', card });
}
