import { randomUUID } from 'node:crypto';
import type { Directory } from '../directory.ts';
import { type Call, json, type Reply, serve } from '../kit/serve.ts';
import { issueToken, isTokenFor } from './token.ts';

const PATH = '/msi/token';
const API_VERSION = '2019-08-01';

export interface ManagedIdentityOptions {
  readonly directory: Directory;
  readonly port?: number;
}

export interface ManagedIdentity {
  readonly url: string;
  /** What App Service puts into the environment of an app that has an identity. */
  readonly environment: Record<string, string>;
  /** Whether a token speaks for the identity to this audience. */
  accepts(token: string, audience: string): boolean;
  /** How many tokens were handed out for a resource. */
  asked(resource: string): number;
  close(): Promise<void>;
}

/** Starts the stand-in for the managed-identity endpoint of App Service. */
export async function startManagedIdentity(options: ManagedIdentityOptions): Promise<ManagedIdentity> {
  const identity = options.directory.managedIdentity;
  const secret = randomUUID();
  const issued: string[] = [];
  const server = await serve({
    host: '127.0.0.1',
    ...(options.port !== undefined && { port: options.port }),
    handler: (call) => answer(call, identity, secret, issued),
  });
  return {
    url: server.url,
    environment: { IDENTITY_ENDPOINT: `${server.url}${PATH}`, IDENTITY_HEADER: secret },
    accepts: (token, audience) => isTokenFor(identity, token, audience),
    asked: (resource) => issued.filter((each) => each === resource).length,
    close: () => server.close(),
  };
}

function answer(call: Call, identity: Directory['managedIdentity'], secret: string, issued: string[]): Reply {
  if (call.method !== 'GET' || call.url.pathname !== PATH) return refuse(404, 'No such endpoint.');
  if (call.headers['x-identity-header'] !== secret) return refuse(401, 'X-IDENTITY-HEADER is missing or wrong.');
  if (call.url.searchParams.get('api-version') !== API_VERSION)
    return refuse(400, `The api-version must be ${API_VERSION}.`);
  const resource = call.url.searchParams.get('resource');
  if (!resource) return refuse(400, 'The parameter resource is missing.');
  // Only this one identity is assigned, and it is user-assigned: asking for another is the usual mistake in a setup.
  const clientId = call.url.searchParams.get('client_id');
  if (clientId !== null && clientId.toLowerCase() !== identity.clientId)
    return refuse(400, 'No managed identity with this client_id is assigned to the app.');
  const { token, expiresOn } = issueToken(identity, resource);
  issued.push(resource);
  return json(200, {
    access_token: token,
    expires_on: String(expiresOn),
    resource,
    token_type: 'Bearer',
    client_id: identity.clientId,
  });
}

function refuse(statusCode: number, message: string): Reply {
  return json(statusCode, { statusCode, message, correlationId: randomUUID() });
}
