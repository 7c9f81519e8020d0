import type { TokenRefusal } from './api-access.ts';

/** The app role that a caller must hold. */
export const REQUIRED_ROLE = 'Outlook.Manage';

/**
 * Whether a token whose signature, issuer, audience and time are right was issued to an application that holds the
 * role. One check per line; the first that fails decides.
 *
 * `idtyp` is the exact way to tell an application from a person, but optional. Without it: `scp` is in user tokens only
 * (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference), and an application is its own
 * subject, while a person's `sub` is pairwise and never the `oid`.
 * @returns undefined when all is well
 */
export function judgeClaims(claims: Readonly<Record<string, unknown>>, tenantId: string): TokenRefusal | undefined {
  const { tid, oid, sub, scp, idtyp, roles } = claims;
  if (typeof tid !== 'string') return 'claims';
  if (tid.toLowerCase() !== tenantId) return 'tenant';
  if (scp !== undefined) return 'user_token';
  if (idtyp === undefined ? typeof oid !== 'string' || oid !== sub : idtyp !== 'app') return 'user_token';
  if (!Array.isArray(roles) || !roles.includes(REQUIRED_ROLE)) return 'role_missing';
  return undefined;
}
