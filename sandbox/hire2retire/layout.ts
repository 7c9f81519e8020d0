import { type Html, html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import type { Session } from './session.ts';

export interface Shell {
  readonly session: Session;
  /** Where sent mail can be looked at; shown in the header. */
  readonly mailboxUrl?: string | undefined;
}

export interface PageContent {
  readonly title: string;
  /** Path of the tab that is open. */
  readonly tab?: string;
  readonly status?: number;
  /** Asks again after so many seconds, without a script. */
  readonly refreshSeconds?: number;
  readonly content: Html;
}

const TABS = [
  ['/service-provider', 'Service Provider Application'],
  ['/customer-owned', 'Customer Owned Application'],
  ['/connections', 'Connections'],
  ['/events', 'Events'],
] as const;

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  /*
   * No form-action: browsers hold it against the redirects that follow a form post too, so it would stop the way to the
   * link URL and on to Microsoft.
   */
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  // Not no-referrer: Chromium then sends "Origin: null" with form posts, and a foreign origin is refused.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const;

/** A whole page of Hire2Retire. */
export function page(shell: Shell, { title, tab, status = 200, refreshSeconds, content }: PageContent): Reply {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refreshSeconds !== undefined && html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<title>${title} · Hire2Retire</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="/">Hire2Retire</a><span class="badge">Sandbox</span>
<p class="who"><span>${shell.session.user} · ${shell.session.customerId}</span>
${shell.mailboxUrl && html`<a href="${shell.mailboxUrl}">Sent mail</a>`}</p>
</header>
<nav class="tabs" aria-label="Outlook">
<ul>
${TABS.map(([path, text]) => html`<li><a href="${path}"${path === tab && html` aria-current="page"`}>${text}</a></li>`)}
</ul>
</nav>
<main id="main">
${content}
</main>
</body>
</html>
`;
  return { status, headers: { ...HEADERS, ...setCookie(shell.session) }, body: document.text };
}

/** Sends the browser elsewhere; after a form post, so that a reload does not post again. */
export function seeOther(session: Session, location: string): Reply {
  return {
    status: 303,
    headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'same-origin', ...setCookie(session) },
  };
}

function setCookie({ cookies }: Session): Readonly<Record<string, readonly string[]>> {
  return cookies.length > 0 ? { 'set-cookie': cookies } : {};
}

/** What went wrong; read aloud at once by screen readers. */
export function alert(title: string, text?: string | Html): Html {
  return html`<div class="note bad" role="alert"><strong>${title}</strong>${text && html` <span>${text}</span>`}</div>`;
}

/** What went well. */
export function success(text: string | Html): Html {
  return html`<div class="note good" role="status">${text}</div>`;
}
