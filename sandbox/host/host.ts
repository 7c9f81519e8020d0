import { Front } from './front.ts';
import type { WorkerOptions } from './messages.ts';
import { Timers } from './timers.ts';
import { WorkerPool } from './worker-pool.ts';

export interface HostOptions {
  /** The folder of package.json and host.json. What runs is the file that `main` names, usually the bundle. */
  readonly appDir: string;
  /** Environment of the workers; may depend on the host's own URL (`http://localhost:PORT`, no slash, no /api). */
  readonly environment: (hostUrl: string) => Readonly<Record<string, string>>;
  /** Preferred port; a free one is taken when it is in use. 7071 unless given. */
  readonly port?: number;
  /** Instances of the app, each a process of its own. 1 unless given. */
  readonly workers?: number;
  readonly functionKey: string;
  readonly masterKey: string;
  /**
   * Seconds after which a message of a dead or failed invocation reappears: replaces both Azure's ten minutes and
   * host.json's visibilityTimeout. Unless given, 600 after a death and host.json's visibilityTimeout after a failure.
   */
  readonly redeliverySeconds?: number;
  readonly log: (line: string) => void;
}

export interface LocalHost {
  readonly url: string;
  readonly port: number;
  readonly functions: readonly string[];
  /** The workers that are up now. */
  readonly workers: readonly { readonly id: number; readonly pid: number; readonly url: string }[];
  /** Fires a timer function now; resolves when its invocation ended, rejects when it failed or is unknown. */
  run(functionName: string): Promise<void>;
  /** SIGKILL and a fresh start of one worker (1-based id) or of all; resolves when they are ready again. */
  kill(worker?: number): Promise<void>;
  /** Fresh processes, once the present ones have finished what they do; resolves when they are ready. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

/** Runs a built function app (Node, v4 model) with its HTTP, queue and timer triggers. For development only. */
export async function startHost(options: HostOptions): Promise<LocalHost> {
  const front = new Front();
  const port = await front.listen(options.port ?? 7071);
  const url = `http://localhost:${port}`;
  let timers: Timers | undefined;
  const pool = new WorkerPool(options.workers ?? 1, {
    worker: workerOptions(options),
    environment: options.environment(url),
    log: options.log,
    onTimerRequested: (functionName) => {
      // Whoever asked has had his 202; a failure is in the log.
      timers?.run(functionName).catch(() => {});
    },
  });
  front.connect(pool);
  try {
    const functions = await pool.start();
    timers = new Timers(functions, async (functionName, timer) => {
      const { instance } = await pool.first();
      await instance.runTimer(functionName, timer);
    });
    timers.start();
    const schedule = timers;
    return {
      url,
      port,
      functions: functions.map(({ name }) => name),
      get workers() {
        return pool.running.map(({ id, instance, port: own }) => ({
          id,
          pid: instance.pid,
          url: `http://127.0.0.1:${own}`,
        }));
      },
      run: (functionName) => schedule.run(functionName),
      kill: (worker) => pool.kill(worker),
      renew: () => pool.renew(),
      close: () => close(front, pool, schedule),
    };
  } catch (error) {
    timers?.stop();
    await pool.stop();
    await front.close();
    throw error;
  }
}

function workerOptions({ appDir, functionKey, masterKey, redeliverySeconds }: HostOptions): WorkerOptions {
  return { appDir, functionKey, masterKey, ...(redeliverySeconds !== undefined && { redeliverySeconds }) };
}

/** Nothing new is taken, what runs is finished, then the connections are cut. */
async function close(front: Front, pool: WorkerPool, timers: Timers): Promise<void> {
  timers.stop();
  front.refuse();
  await pool.stop();
  await front.close();
}
