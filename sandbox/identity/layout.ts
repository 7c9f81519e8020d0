import { createHash } from 'node:crypto';
import { Html, html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import { STYLE } from './style.ts';

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/**
 * Two headers are chosen with care. There is no `form-action`: Chromium applies it to every redirect after a form, and
 * from here they lead to the application's redirect URI and on to wherever that leads. And with
 * `Referrer-Policy: no-referrer` Chromium would send `Origin: null`, which this server refuses.
 */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

const BRAND = html`<p class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="6" fill="#0067b8"/><circle cx="12" cy="9.5" r="3.25" fill="#fff"/><path d="M10.5 11.5h3l1.5 7h-6z" fill="#fff"/></svg>Sandbox identity</p>`;

export interface PageContent {
  readonly status?: number;
  readonly title: string;
  /** Content of the first card, below the brand; holds the page's h1. */
  readonly card: Html;
  /** A second card beside the first. */
  readonly beside?: Html;
}

/** A page without scripts that says what it is. */
export function page({ status = 200, title, card, beside }: PageContent): Reply {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Sandbox identity</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header class="notice"><strong>Sandbox stand-in</strong>, not Microsoft: made-up accounts, and nothing leaves this computer.</header>
<main${beside && new Html(' class="two"')}>
<section class="card">${BRAND}${card}</section>
${beside && html`<section class="card">${beside}</section>`}
</main>
</body>
</html>
`;
  return { status, headers: PAGE_HEADERS, body: document.text };
}

/** Where the forms of a page go: the same server, under the authority the page was asked through. */
export function formTarget(authority: { readonly name: string }, endpoint: string): string {
  return `/${encodeURIComponent(authority.name)}/${endpoint}`;
}
