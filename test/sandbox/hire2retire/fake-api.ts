import { type Call, json, type LoopbackServer, type Reply, serve } from '../../../sandbox/kit/serve.ts';

/** What one request to the API is answered with, and what was asked. */
export interface FakeApi extends LoopbackServer {
  readonly calls: { readonly method: string; readonly path: string; readonly key: string; readonly body: unknown }[];
  /** `METHOD /path` (without query) to the answer; a missing one is a 404 without a body, as of the Functions host. */
  readonly answers: Map<string, (call: Call) => Reply>;
}

/** A stand-in for the product's HTTP API, so that the pages can be tested without it. */
export async function startFakeApi(): Promise<FakeApi> {
  const calls: FakeApi['calls'] = [];
  const answers: FakeApi['answers'] = new Map();
  const server = await serve({
    handler: (call) => {
      const { pathname, search } = call.url;
      const body: unknown = call.body.length > 0 ? JSON.parse(call.body.toString()) : undefined;
      calls.push({
        method: call.method,
        path: `${pathname}${search}`,
        key: String(call.headers['x-functions-key']),
        body,
      });
      return answers.get(`${call.method} ${pathname}`)?.(call) ?? { status: 404 };
    },
  });
  return { ...server, calls, answers };
}

export const problem = (status: number, body: Record<string, unknown>): Reply => json(status, body);

export const connection = (id: string, more: Record<string, unknown> = {}) => ({
  connectionId: id,
  customerId: 'acme',
  displayName: 'HR mailbox',
  status: 'connected',
  mailbox: { signInName: 'hr@acme.example', tenantId: 't', objectId: 'o' },
  application: { kind: 'serviceProvider', clientId: 'c', tenantId: 't' },
  linkedAt: '2026-05-04T09:30:12.345Z',
  lastProvenAt: '2026-05-04T09:30:12.345Z',
  daysToTrouble: 90,
  onUncertain: 'hold',
  ...more,
});
