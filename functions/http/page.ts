import { createHash } from 'node:crypto';
import type { HttpResponseInit } from '@azure/functions';

/** Everything that the pages of the browser routes say, in one table. Nothing of a request is ever shown. */
const PAGES = {
  bad_request: {
    status: 400,
    title: 'This did not work',
    text: 'The answer from Microsoft was incomplete. Go back to Hire2Retire and click Link account again.',
  },
  admin_approved: {
    status: 200,
    title: 'Approved, now link',
    text: 'The application may now be used in your organization. Whoever wants to link a mailbox goes back to Hire2Retire and clicks Link account.',
  },
  link_unknown: {
    status: 400,
    title: 'This link is not valid',
    text: 'It is unknown, was used already, or was opened in another browser. Go back to Hire2Retire and click Link account again.',
  },
  link_used: {
    status: 409,
    title: 'This link was used already',
    text: 'A link works once, and only in the browser that opened it first. Go back to Hire2Retire and click Link account again.',
  },
  link_expired: {
    status: 409,
    title: 'This link has expired',
    text: 'A link works for 30 minutes. Go back to Hire2Retire and click Link account again.',
  },
  unavailable: {
    status: 503,
    title: 'Try again in a minute',
    text: 'A part of this service does not answer right now, and nothing was lost. Wait a minute, then reload this page.',
  },
} as const;

export type PageName = keyof typeof PAGES;

const STYLE =
  ':root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;margin:0;padding:1rem;display:grid;place-items:center;min-height:90vh;background:#f4f6f9;color:#1b2430}main{max-width:32rem;padding:2rem;background:#fff;border-radius:.75rem;box-shadow:0 1px 6px #0002}h1{font-size:1.4rem;line-height:1.3;margin:0 0 .75rem}p{margin:0}@media(prefers-color-scheme:dark){body{background:#11161d;color:#e8edf3}main{background:#1b222c}}';
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Headers of everything that a browser gets here: codes and states pass through these URLs. */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
} as const;

export function page(name: PageName): HttpResponseInit {
  const { status, title, text } = PAGES[name];
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1><p>${text}</p></main></body>
</html>
`;
  return { status, headers: { ...SECURITY_HEADERS, 'content-type': 'text/html; charset=utf-8' }, body };
}
