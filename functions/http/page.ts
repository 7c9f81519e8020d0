import { createHash } from 'node:crypto';
import type { HttpResponseInit } from '@azure/functions';
import { type Language, PAGE_TEXTS, type PageName } from './page-texts.ts';

const STATUS: Readonly<Record<PageName, number>> = {
  bad_request: 400,
  admin_approved: 200,
  admin_declined: 200,
  link_unknown: 400,
  link_used: 409,
  link_expired: 409,
  unavailable: 503,
};

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

export function page(name: PageName, language: Language = 'en'): HttpResponseInit {
  const { title, text } = PAGE_TEXTS[language][name];
  const body = `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1><p>${text}</p></main></body>
</html>
`;
  return {
    status: STATUS[name],
    headers: { ...SECURITY_HEADERS, 'content-type': 'text/html; charset=utf-8' },
    body,
  };
}
