import type { RecordedRequest } from '../kit/journal.ts';

const MASKED = '***';
const CREDENTIAL_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization']);
const CREDENTIAL_FIELDS = new Set(['code', 'code_verifier', 'context', 'id_token_hint', 'nonce', 'state']);
const CREDENTIAL_ENDING = /(?:assertion|password|secret|token)$/i;
const FIELD_NAME = /^[\w.-]{1,64}$/;

/** Replaces every credential value of a recorded request, except values that everyone may see. */
export function masking(publicValues: readonly string[]): (record: RecordedRequest) => RecordedRequest {
  const visible = new Set(publicValues);
  const field = (name: string, value: string) => {
    if (value === '' || visible.has(value)) return value;
    return CREDENTIAL_FIELDS.has(name.toLowerCase()) || CREDENTIAL_ENDING.test(name) ? MASKED : value;
  };
  const header = (name: string, value: string) => {
    if (name === 'referer') return maskReferrer(value);
    return CREDENTIAL_HEADERS.has(name) && !visible.has(value) ? MASKED : value;
  };
  return (record) => ({
    ...record,
    query: mapEntries(record.query, field),
    headers: mapEntries(record.headers, header),
    body: maskForm(record.body, field),
  });
}

function mapEntries(
  entries: Readonly<Record<string, string>>,
  change: (name: string, value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, change(name, value)]));
}

/** What is not a form has no fields to tell apart, so none of it is kept. */
function maskForm(body: string, field: (name: string, value: string) => string): string {
  if (body === '') return body;
  const fields = [...new URLSearchParams(body)];
  if (fields.some(([name]) => !FIELD_NAME.test(name))) return MASKED;
  // Written out by hand: URLSearchParams would turn the asterisks of a mask and the slashes of a scope into codes.
  return fields.map(([name, value]) => `${name}=${readable(field(name, value))}`).join('&');
}

const readable = (value: string) => value.replace(/[%&+#\s]/g, (character) => encodeURIComponent(character));

/** A form's referrer is the address of the page, with the authorization request in its query. */
function maskReferrer(referrer: string): string {
  return referrer.includes('?') ? `${referrer.slice(0, referrer.indexOf('?'))}?${MASKED}` : referrer;
}
