import { join } from 'node:path';
import { QueueServiceClient } from '@azure/storage-queue';
import { vi } from 'vitest';
import { type HostOptions, type LocalHost, startHost } from '../../../sandbox/host/host.ts';

export const FIXTURE_APP = join(import.meta.dirname, 'fixture-app');
export const FUNCTION_KEY = 'a-function-key';
export const MASTER_KEY = 'a-master-key';

/** Nothing listens there; for tests that need no queue. */
const NO_STORAGE =
  'DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm9uZQ==;QueueEndpoint=http://127.0.0.1:1/none;';

export interface Fixture {
  readonly host: LocalHost;
  readonly lines: string[];
  /** Resolves with the first line that has this text, as soon as there is one. */
  line(text: string, timeout?: number): Promise<string>;
}

export interface FixtureOptions extends Partial<Omit<HostOptions, 'environment'>> {
  /** Undefined takes a setting away. */
  readonly settings?: Readonly<Record<string, string | undefined>>;
}

const NEVER = '0 0 0 1 1 *';

/** Starts the fixture app. Closing it is the test's business. */
export async function startFixture({ settings, ...options }: FixtureOptions = {}): Promise<Fixture> {
  const lines: string[] = [];
  const host = await startHost({
    appDir: FIXTURE_APP,
    port: 0,
    functionKey: FUNCTION_KEY,
    masterKey: MASTER_KEY,
    log: (line) => lines.push(line),
    environment: (hostUrl) =>
      defined({ HOST_URL: hostUrl, Work: NO_STORAGE, WORK_QUEUE: 'work', TICK_SCHEDULE: NEVER, ...settings }),
    ...options,
  });
  const line = (text: string, timeout = 10_000) =>
    vi.waitFor(
      () => {
        const found = lines.find((candidate) => candidate.includes(text));
        if (found === undefined) throw new Error(`No line with '${text}' among:\n${lines.join('\n')}`);
        return found;
      },
      { timeout, interval: 20 },
    );
  return { host, lines, line };
}

function defined(settings: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** What the queue function logged about the messages it received, oldest first. */
export function received(lines: readonly string[]): readonly Received[] {
  return lines.flatMap((line) => {
    const start = line.indexOf('received {');
    return start < 0 ? [] : [JSON.parse(line.slice(start + 'received '.length)) as Received];
  });
}

export interface Received {
  readonly message: unknown;
  readonly dequeueCount: number;
  readonly id: string;
  readonly queueTrigger: unknown;
  readonly pid: number;
}

export function queue(connectionString: string, name: string) {
  return QueueServiceClient.fromConnectionString(connectionString).getQueueClient(name);
}
