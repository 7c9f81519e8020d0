const GRAPH = 'https://graph.microsoft.com/';
const OPENID = new Set(['openid', 'profile', 'email', 'offline_access']);
/** Delegated Graph permissions that this stand-in knows, in the words of a consent page. */
const GRAPH_PERMISSIONS: ReadonlyMap<string, string> = new Map([
  ['Mail.Send', 'Send mail as you'],
  ['User.Read', 'Sign you in and read your profile'],
]);

export function parseScopes(text: string): string[] {
  return [...new Set(text.split(/\s+/).filter(Boolean))];
}

/** A scope with or without Graph's address is the same permission. */
const shortName = (scope: string) => (scope.toLowerCase().startsWith(GRAPH) ? scope.slice(GRAPH.length) : scope);

function permissionOf(scope: string): string | undefined {
  const name = shortName(scope).toLowerCase();
  return [...GRAPH_PERMISSIONS.keys()].find((known) => known.toLowerCase() === name);
}

export function unknownScope(scopes: readonly string[]): string | undefined {
  return scopes.find((scope) => !OPENID.has(scope) && permissionOf(scope) === undefined);
}

/** Whether everything asked for was consented to. */
export function covers(granted: readonly string[], asked: readonly string[]): boolean {
  const have = new Set(granted.map((scope) => permissionOf(scope) ?? scope));
  return asked.every((scope) => OPENID.has(scope) || have.has(permissionOf(scope) ?? scope));
}

/** The `scp` claim: short names, and Entra always adds these three. */
export function scopeClaim(scopes: readonly string[]): string {
  return [...scopes.flatMap((scope) => permissionOf(scope) ?? []), 'profile', 'openid', 'email'].join(' ');
}

/** `scope` of a token response: what was granted, in the form in which it was asked for; offline_access is not listed. */
export function scopeResponse(scopes: readonly string[]): string {
  return [...scopes.filter((scope) => !OPENID.has(scope)), 'profile', 'openid', 'email'].join(' ');
}

export interface Permission {
  readonly words: string;
  readonly scope: string;
}

/** What a consent page lists. */
export function permissions(scopes: readonly string[]): Permission[] {
  const graph = scopes
    .flatMap((scope) => permissionOf(scope) ?? [])
    .map((scope) => ({ words: GRAPH_PERMISSIONS.get(scope) ?? scope, scope }));
  const profile = scopes.filter((scope) => OPENID.has(scope) && scope !== 'offline_access');
  return [
    ...graph,
    ...(scopes.includes('offline_access')
      ? [{ words: 'Maintain access to data you have given it access to', scope: 'offline_access' }]
      : []),
    ...(profile.length > 0 ? [{ words: 'View your basic profile', scope: profile.join(', ') }] : []),
  ];
}
