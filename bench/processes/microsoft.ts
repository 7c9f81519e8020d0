/**
 * What belongs to Microsoft, in a process of its own: token endpoint, Graph, Key Vault, managed identity. Token endpoint
 * and Graph are the least that can answer; what they cost would be taken from the programs that are measured.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sandboxDirectory } from '../../sandbox/directory.ts';
import { startKeyVault } from '../../sandbox/key-vault/key-vault.ts';
import { throwawayCertificate } from '../../sandbox/kit/certificate.ts';
import { json, type Reply, serve } from '../../sandbox/kit/serve.ts';
import { startManagedIdentity } from '../../sandbox/managed-identity/managed-identity.ts';
import { serveMethods } from '../kit/serve-methods.ts';
import type { Latencies } from '../kit/settings.ts';

const latency = JSON.parse(process.env['LATENCIES'] ?? '{}') as Latencies;
const newVersions = Number(process.env['NEW_VERSIONS_PER_10_SECONDS'] ?? 0);
const directory = sandboxDirectory();
const tls = await throwawayCertificate();
const managedIdentity = await startManagedIdentity({ directory });
const vault = await startKeyVault({
  tls,
  accepts: (token, audience) => managedIdentity.accepts(token, audience),
  publicValues: [],
  ...(newVersions > 0 && { newVersionsPer10Seconds: newVersions }),
});
for (const [method, delayMs] of [
  ['GET', latency.vaultReadMs],
  ['PUT', latency.vaultWriteMs],
] as const) {
  if (delayMs > 0) vault.journal.addFaults([{ match: { method }, times: Number.POSITIVE_INFINITY, delayMs }]);
}

const counts = { accepted: 0, tokens: 0 };
const graph = await serve({
  host: '127.0.0.1',
  tls,
  handler: async (): Promise<Reply> => {
    if (latency.graphMs > 0) await delay(latency.graphMs);
    counts.accepted += 1;
    return { status: 202, headers: { 'request-id': randomUUID() } };
  },
});
const login = await serve({
  handler: async ({ body }) => {
    if (latency.tokenMs > 0) await delay(latency.tokenMs);
    counts.tokens += 1;
    const form = new URLSearchParams(body.toString('utf8'));
    const scope = 'https://graph.microsoft.com/Mail.Send openid profile offline_access';
    const [access_token, refresh_token] = [randomUUID(), randomUUID()];
    const tokens = { token_type: 'Bearer', scope, expires_in: 3599, access_token, refresh_token };
    return json(200, { ...tokens, ...signIn(form) });
  },
});

/** The bench's authorization codes are the claims of the id token that they stand for. */
function signIn(form: URLSearchParams): { readonly id_token?: string } {
  const code = form.get('code');
  if (code === null) return {};
  const seconds = Math.floor(Date.now() / 1000);
  const times = { iat: seconds, nbf: seconds, exp: seconds + 3_600 };
  const claims = { ...(JSON.parse(code) as object), ...times, aud: form.get('client_id') };
  const encoded = [{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return { id_token: `${encoded.join('.')}.` };
}

serveMethods({
  addresses: () => ({
    certificate: tls.cert,
    graph: graph.url,
    login: login.url,
    vault: vault.url,
    managedIdentity: managedIdentity.environment,
  }),
  seed: (secrets: readonly { name: string; value: string; tags: Record<string, string> }[]) => {
    for (const { name, value, tags } of secrets) vault.seed(name, value, tags);
  },
  counts: () => {
    // Without the challenges that come before a client has its first token: Azure neither charges nor counts them.
    const asked = (method: string) =>
      vault.journal.requests.filter((request) => request.method === method && request.status !== 401).length;
    return { ...counts, vaultReads: asked('GET'), vaultWrites: asked('PUT') };
  },
  accepted: () => counts.accepted,
});
