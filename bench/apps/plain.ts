/**
 * The plain way: what tutorials and most code do for each mail. Read the refresh token, refresh, store what came back as
 * a new version, send through the Graph client with its default chain. SDKs with their defaults, clients made once.
 */
import { app } from '@azure/functions';
import { DefaultAzureCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { ConfidentialClientApplication } from '@azure/msal-node';
import { Client } from '@microsoft/microsoft-graph-client';
import { graphRequest } from './graph-request.ts';

const {
  KEY_VAULT_URL = '',
  MICROSOFT_LOGIN_URL = '',
  MICROSOFT_GRAPH_URL = '',
  SERVICE_PROVIDER_CLIENT_ID = '',
} = process.env;
const TENANT = 'organizations';
const scopes = ['https://graph.microsoft.com/Mail.Send', 'offline_access'];
const vault = new SecretClient(KEY_VAULT_URL, new DefaultAzureCredential());

app.storageQueue('plain', {
  queueName: 'outlook-mail',
  connection: 'MailStorage',
  handler: async (message) => {
    const { connectionId } = message as { connectionId: string };
    const name = connectionId.replace('con_', 'refresh-token-');
    const { value: refreshToken = '' } = await vault.getSecret(name);
    const { accessToken, rotated } = await refresh(refreshToken);
    await vault.setSecret(name, rotated);
    const client = Client.init({
      authProvider: (done) => done(null, accessToken),
      baseUrl: MICROSOFT_GRAPH_URL,
      defaultVersion: '',
      customHosts: new Set(['127.0.0.1']),
    });
    await client.api('/me/sendMail').post(graphRequest(message));
  },
});

async function refresh(refreshToken: string): Promise<{ accessToken: string; rotated: string }> {
  const client = new ConfidentialClientApplication({
    auth: {
      clientId: SERVICE_PROVIDER_CLIENT_ID,
      clientSecret: 'secret',
      authority: `https://login.microsoftonline.com/${TENANT}`,
      authorityMetadata: JSON.stringify({
        authorization_endpoint: `${MICROSOFT_LOGIN_URL}/${TENANT}/oauth2/v2.0/authorize`,
        token_endpoint: `${MICROSOFT_LOGIN_URL}/${TENANT}/oauth2/v2.0/token`,
      }),
    },
  });
  const result = await client.acquireTokenByRefreshToken({ refreshToken, scopes, forceCache: true });
  if (!result?.accessToken) throw new Error('no token');
  // The result does not show the new refresh token; the cache does.
  const cache = JSON.parse(client.getTokenCache().serialize()) as { RefreshToken?: Record<string, { secret: string }> };
  return {
    accessToken: result.accessToken,
    rotated: Object.values(cache.RefreshToken ?? {})[0]?.secret ?? refreshToken,
  };
}
