import { EventEmitter, once } from 'node:events';
import type { FunctionSummary } from './messages.ts';
import type { LaunchOptions } from './worker-process.ts';
import { type RunningWorker, WorkerSlot } from './worker-slot.ts';

/** The instances of the app. */
export class WorkerPool {
  private readonly slots: readonly WorkerSlot[];
  private readonly events = new EventEmitter<{ running: [] }>();
  private readonly closing = new AbortController();
  private turn = 0;

  constructor(count: number, launch: LaunchOptions) {
    const { log } = launch;
    this.events.setMaxListeners(0);
    this.slots = Array.from({ length: count }, (_, index) => {
      const id = index + 1;
      const prefixed = count === 1 ? log : (line: string) => log(`[worker ${id}] ${line}`);
      return new WorkerSlot({
        id,
        launch: { ...launch, log: prefixed },
        onRunning: () => this.events.emit('running'),
      });
    });
  }

  get running(): readonly RunningWorker[] {
    return this.slots.flatMap(({ running }) => (running ? [running] : []));
  }

  /** The worker whose turn it is; undefined while none is up. */
  next(): RunningWorker | undefined {
    const { running } = this;
    this.turn += 1;
    return running[this.turn % running.length];
  }

  /** The first worker that is up, now or later. */
  async first(): Promise<RunningWorker> {
    for (;;) {
      const [running] = this.running;
      if (running) return running;
      await once(this.events, 'running', { signal: this.closing.signal });
    }
  }

  /** What the app registered; every worker registers the same. */
  async start(): Promise<readonly FunctionSummary[]> {
    const [functions = []] = await Promise.all(this.slots.map((slot) => slot.start()));
    return functions;
  }

  async kill(id?: number): Promise<void> {
    const chosen = this.slots.filter((slot) => id === undefined || slot.id === id);
    if (chosen.length === 0) throw new Error(`There is no worker ${id}; there are ${this.slots.length}.`);
    await Promise.all(chosen.map((slot) => slot.kill()));
  }

  async renew(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.renew()));
  }

  async stop(): Promise<void> {
    this.closing.abort();
    await Promise.all(this.slots.map((slot) => slot.stop()));
  }
}
