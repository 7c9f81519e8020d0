import { domainToASCII } from 'node:url';
import validator from 'validator/lib/isEmail.js';
import { headerText } from './header-text.ts';
import { LIMITS } from './limits.ts';

// A CommonJS module that names its function `default` too: so it is found however the import is resolved.
const isEmail = validator.default;

/** Spaces, and characters that nobody sees: they make one address look like another. */
const INVISIBLE = /[\s\p{C}]/u;
const NOT_ASCII = /[^\p{ASCII}]/u;

/**
 * A mail address as it may stand in a header line. Letters of any script before and behind the @; no quoted local part,
 * no IP address as domain, no domain without a dot (docs/adr/0024-mail-addresses.md).
 */
export const address = headerText(LIMITS.addressCharacters)
  .refine(isMailAddress, 'must be a mail address such as ada@example.com')
  .meta({
    description: 'A mail address. Letters of any script; no quoted local part, no IP address as domain.',
    pattern: '^[^\\s@<>()[\\]\\\\,;:"]{1,64}@[^\\s@<>()[\\]\\\\,;:"]{1,255}$',
    examples: ['ada@example.com'],
  });

function isMailAddress(value: string): boolean {
  if (value.startsWith('"') || INVISIBLE.test(value)) return false;
  return isEmail(value, { allow_utf8_local_part: true, require_tld: true }) && isEmail(withAsciiDomain(value));
}

/**
 * The address with its domain as the DNS has it. Servers that know only ASCII take that; for a local part beyond ASCII
 * there is no such form. A domain that cannot be written so is lost: `isMailAddress` refuses what is left.
 */
export function withAsciiDomain(value: string): string {
  const at = value.lastIndexOf('@');
  const domain = value.slice(at + 1);
  return NOT_ASCII.test(domain) ? `${value.slice(0, at)}@${domainToASCII(domain)}` : value;
}
