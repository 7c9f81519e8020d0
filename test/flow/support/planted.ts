import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { vi } from 'vitest';
import { Grants } from '../../../sandbox/identity/grants.ts';
import { TokenIssuer } from '../../../sandbox/identity/tokens.ts';

const REQUESTS = 'http.server.request.start';

/** Values that must not turn up anywhere, each with what it is. */
export class Planted {
  private readonly values = new Map<string, string>();

  add(what: string, ...values: readonly (string | undefined)[]): void {
    // Anything shorter would be found by chance.
    for (const value of values)
      if (value !== undefined && value.length >= 12 && !this.values.has(value)) this.values.set(value, what);
  }

  get kinds(): ReadonlySet<string> {
    return new Set(this.values.values());
  }

  /** What of it a text holds, in any of the spellings in which it might travel. */
  foundIn(text: string): string[] {
    return [...this.values]
      .filter(([value]) => spellings(value).some((spelling) => text.includes(spelling)))
      .map(([, what]) => what);
  }
}

function spellings(value: string): string[] {
  // Base64 of a text depends on how many bytes stand before it; the first and last characters mix with neighbours.
  const base64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.from(' '.repeat(before) + value)
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(before === 0 ? 0 : 4, -2);
  });
  return [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), ...base64];
}

/**
 * Notes every credential that the identity stand-in issues or is shown. It runs in this process, and its records are
 * masked, so this looks over its shoulder.
 */
export function watchIdentity(planted: Planted): { stop(): void } {
  const spies = [
    note(vi.spyOn(TokenIssuer.prototype, 'accessToken'), (token) => planted.add('an access token', token)),
    note(vi.spyOn(TokenIssuer.prototype, 'idToken'), (token) => planted.add('an id token', token)),
    note(vi.spyOn(Grants.prototype, 'issueCode'), (code) => planted.add('an authorization code', code)),
    note(vi.spyOn(Grants.prototype, 'issueRefreshToken'), (token) => planted.add('a refresh token', token)),
  ];
  const onRequest = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    if (!request.url?.includes('/oauth2/v2.0/token')) return;
    const push = request.push.bind(request);
    request.push = (chunk: unknown, ...rest) => {
      if (chunk !== null) {
        const form = new URLSearchParams(String(chunk));
        planted.add('a PKCE verifier', form.get('code_verifier') ?? undefined);
        planted.add('a client secret that was sent', form.get('client_secret') ?? undefined);
      }
      return push(chunk, ...rest);
    };
  };
  subscribe(REQUESTS, onRequest);
  return {
    stop: () => {
      unsubscribe(REQUESTS, onRequest);
      for (const spy of spies) spy.mockRestore();
    },
  };
}

type Spied = {
  getMockImplementation(): unknown;
  mockRestore(): void;
  readonly mock: { readonly results: readonly { readonly type: string; readonly value: unknown }[] };
};

/** Vitest's spies keep what was returned; it is read when the search begins. */
function note<T extends Spied>(spy: T, add: (value: string) => void): { mockRestore(): void } {
  return {
    mockRestore: () => {
      for (const { type, value } of spy.mock.results) if (type === 'return') add(String(value));
      spy.mockRestore();
    },
  };
}
