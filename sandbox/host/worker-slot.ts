import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionSummary } from './messages.ts';
import { type LaunchOptions, WorkerProcess } from './worker-process.ts';

export interface SlotOptions {
  readonly id: number;
  readonly launch: LaunchOptions;
  readonly onRunning: () => void;
}

/** A process that answers. */
export interface RunningWorker {
  readonly id: number;
  readonly port: number;
  readonly instance: WorkerProcess;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Dying younger than this is a quick death: the pause before the next start grows. */
const QUICK_MS = 10_000;

/** Keeps one worker alive: whatever ends its process, another one follows. */
export class WorkerSlot {
  readonly id: number;
  private readonly options: SlotOptions;
  private readonly stopping = new AbortController();
  private current: WorkerProcess | undefined;
  private answering: RunningWorker | undefined;
  private quickDeaths = 0;
  /** Since its first start has succeeded; a first start that fails is reported to whoever asked for it. */
  private supervised = false;
  private replacement: Promise<unknown> = Promise.resolve();

  constructor(options: SlotOptions) {
    this.id = options.id;
    this.options = options;
  }

  get running(): RunningWorker | undefined {
    return this.answering;
  }

  /** Starts a process in place of the one before. Rejects with its standard error when it does not come up. */
  async start(): Promise<readonly FunctionSummary[]> {
    if (this.stopping.signal.aborted) throw new Error('The host is closing.');
    const started = new WorkerProcess(this.options.launch);
    const since = performance.now();
    this.current = started;
    void started.ended.then((how) => this.onEnd(started, how, performance.now() - since));
    const { port, functions } = await started.ready;
    this.supervised = true;
    if (this.current === started) {
      this.answering = { id: this.id, port, instance: started };
      this.options.onRunning();
    }
    return functions;
  }

  /** SIGKILL now, and a fresh start. */
  kill(): Promise<void> {
    return this.replace((victim) => victim.kill());
  }

  /** A fresh process, once this one has finished what it does; as Azure does it when it can. */
  renew(): Promise<void> {
    return this.replace((victim) => void victim.stop());
  }

  /** One start after the other: two at once would leave a process nobody knows. */
  private replace(end: (victim: WorkerProcess) => void): Promise<void> {
    const victim = this.answering && this.forget();
    if (victim) end(victim);
    const replaced = this.replacement.then(async () => {
      const unfinished = this.forget();
      unfinished?.kill();
      await Promise.all([victim?.ended, unfinished?.ended]);
      await this.start();
    });
    this.replacement = replaced.catch(() => {});
    return replaced;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    const last = this.forget();
    await Promise.all([last?.stop(), this.replacement]);
  }

  /** Lets go of the process before it dies, so that its death is nobody's surprise. */
  private forget(): WorkerProcess | undefined {
    const last = this.current;
    this.current = undefined;
    this.answering = undefined;
    return last;
  }

  private onEnd(ended: WorkerProcess, how: string, livedMs: number): void {
    if (this.current !== ended) return;
    this.forget();
    this.options.launch.log(`Worker ${this.id} (pid ${ended.pid}) ended by itself: ${how}.`);
    this.quickDeaths = livedMs < QUICK_MS ? this.quickDeaths + 1 : 0;
    if (this.supervised) void this.restart();
  }

  private async restart(): Promise<void> {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.max(0, this.quickDeaths - 1), LONGEST_PAUSE_MS);
    await delay(pause, undefined, { signal: this.stopping.signal }).catch(() => {});
    // Stopped meanwhile, or replaced.
    if (this.stopping.signal.aborted || this.current) return;
    // A failure ends the process, and that leads here again.
    await this.start().catch(() => {});
  }
}
