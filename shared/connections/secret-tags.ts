import type { SecretTags } from '../storage/ports.ts';

/** Whose a client secret is. */
export function clientSecretTags(customerId: string, clientId: string): SecretTags {
  return { kind: 'client-secret', customer: customerId, application: clientId };
}

/** Whose a refresh token is. */
export function refreshTokenTags(customerId: string, connectionId: string): SecretTags {
  return { kind: 'refresh-token', customer: customerId, connection: connectionId };
}
