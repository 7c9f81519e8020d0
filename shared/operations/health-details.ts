import { SECOND } from '../clock.ts';
import type { Log } from '../log.ts';
import { CONTAINERS, QUEUES } from '../storage-names.ts';
import type { OperationsDeps } from './deps.ts';

/** What `GET health/details` answers. */
export interface HealthDetails {
  readonly status: 'ok' | 'degraded';
  readonly dependencies: readonly {
    readonly name: 'table' | 'queue' | 'blob' | 'vault' | 'login' | 'graph';
    readonly status: 'ok' | 'failed' | 'timeout';
    readonly latencyMs: number;
  }[];
}

const LIMIT_MS = 3 * SECOND;

/**
 * Asks everything that the product lives on, at the same time, each for three seconds at the longest. Nothing is written.
 * The vault is asked for a secret that does not exist: it proves identity and permission, and lists nothing. Microsoft's
 * hosts need only answer: what they say of a request without a token does not matter.
 * @param limitMs for tests
 */
export async function healthDetails(deps: OperationsDeps, log: Log, limitMs = LIMIT_MS): Promise<HealthDetails> {
  const { connections, queues, blobs, secrets, hosts } = deps;
  const probes = {
    table: () => connections.get('_', 'stop'),
    queue: () => queues.depth(QUEUES.checks),
    blob: () => blobs.list(CONTAINERS.rejected, '', 1),
    vault: () => secrets.get('health-probe-of-a-secret-that-does-not-exist', { kind: 'client-secret' }),
    login: () => hosts.reach('login', limitMs),
    graph: () => hosts.reach('graph', limitMs),
  } as const;
  const names = Object.keys(probes) as (keyof typeof probes)[];
  const dependencies = await Promise.all(
    names.map(async (name) => {
      const started = deps.clock.monotonic();
      const status = await outcome(probes[name], limitMs, (error) =>
        log.failure('health.dependency_failed', error, { dependency: name }),
      );
      return { name, status, latencyMs: Math.round(deps.clock.monotonic() - started) };
    }),
  );
  return { status: dependencies.every(({ status }) => status === 'ok') ? 'ok' : 'degraded', dependencies };
}

async function outcome(probe: () => Promise<unknown>, limitMs: number, failed: (error: unknown) => void) {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), limitMs);
  });
  const answer = probe().then(
    () => 'ok' as const,
    (error: unknown) => {
      failed(error);
      return 'failed' as const;
    },
  );
  try {
    return await Promise.race([answer, limit]);
  } finally {
    clearTimeout(timer);
  }
}
