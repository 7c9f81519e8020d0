import { createHash, randomBytes } from 'node:crypto';
import type { Call } from '../kit/serve.ts';

/** The one customer of the sandbox. */
export const CUSTOMER_ID = 'acme';

const DEFAULT_USER = 'ada';
const USER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
const SESSION = /^[A-Za-z0-9_-]{43}$/;
const ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Lax';

/** Who is signed in to Hire2Retire in this browser. Stands in for Hire2Retire's real session. */
export interface Session {
  readonly user: string;
  readonly customerId: string;
  /**
   * Opaque id of this user's session in this browser, for `startedBy`. Derived, so that neither the API nor its logs
   * ever hold anything that would let somebody take the session over.
   */
  readonly startedBy: string;
  /** For `Set-Cookie`; empty when the browser has them already. */
  readonly cookies: readonly string[];
}

/** The session that the browser's cookies name; a new one when they name none. */
export function readSession(call: Call): Session {
  const cookies = parseCookies(call.headers.cookie);
  const user = cookies.get('as') ?? DEFAULT_USER;
  const id = cookies.get('h2r_session') ?? '';
  if (!USER.test(user)) return newSession(DEFAULT_USER);
  return SESSION.test(id) ? session(user, id, []) : newSession(user);
}

/** A fresh session, as after signing in. Undefined when nobody can be called that. */
export function switchUser(user: string): Session | undefined {
  return USER.test(user) ? newSession(user) : undefined;
}

function newSession(user: string): Session {
  const id = randomBytes(32).toString('base64url');
  return session(user, id, [`as=${user}; ${ATTRIBUTES}`, `h2r_session=${id}; ${ATTRIBUTES}`]);
}

function session(user: string, id: string, cookies: readonly string[]): Session {
  const startedBy = createHash('sha256').update(`${user}:${id}`).digest('base64url');
  return { user, customerId: CUSTOMER_ID, startedBy, cookies };
}

function parseCookies(header: string | undefined): ReadonlyMap<string, string> {
  const pairs = (header ?? '').split(';').flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=');
    return at > 0 ? [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()]] : [];
  });
  return new Map(pairs);
}
