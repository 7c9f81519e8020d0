import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { functionKeyProof, tokenProof } from '../../../sandbox/hire2retire/caller-proof.ts';
import { listen } from '../../../sandbox/kit/serve.ts';

let server: Server;
let forms: Record<string, string>[];
let answer: { status: number; body: object };
let proof: ReturnType<typeof tokenProof>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  forms = [];
  answer = { status: 200, body: { expires_in: 3_600 } };
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    forms.push(Object.fromEntries(new URLSearchParams(text)));
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: `token-${forms.length}`, ...answer.body }));
  });
  const tokenUrl = `http://127.0.0.1:${await listen(server)}/token`;
  proof = tokenProof(() => ({ tokenUrl, clientId: 'the-client', clientSecret: 'the-secret', scope: 'api/.default' }));
});

afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a function key goes into its header', async () => {
  expect(await functionKeyProof('the-key')()).toEqual({ 'x-functions-key': 'the-key' });
});

describe('a token', () => {
  test('is had by client credentials, once for all who ask', async () => {
    const all = await Promise.all([proof(), proof(), proof()]);
    expect(all).toEqual(Array.from({ length: 3 }, () => ({ authorization: 'Bearer token-1' })));
    expect(forms).toEqual([
      {
        grant_type: 'client_credentials',
        client_id: 'the-client',
        client_secret: 'the-secret',
        scope: 'api/.default',
      },
    ]);
  });

  test('is renewed five minutes before its end', async () => {
    await proof();
    vi.setSystemTime(Date.now() + 54 * 60_000);
    expect(await proof()).toEqual({ authorization: 'Bearer token-1' });
    vi.setSystemTime(Date.now() + 2 * 60_000);
    expect(await proof()).toEqual({ authorization: 'Bearer token-2' });
  });

  test('that was refused is asked for again, and the secret is in no error', async () => {
    answer = { status: 401, body: { access_token: undefined, error: 'invalid_client' } };
    const failed = await proof().catch((error: unknown) => error);
    expect(String(failed)).toContain('invalid_client');
    expect(String(failed)).not.toContain('the-secret');
    answer = { status: 200, body: { expires_in: 3_600 } };
    expect(await proof()).toEqual({ authorization: 'Bearer token-2' });
  });
});
