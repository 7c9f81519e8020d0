import { type ChildProcess, fork } from 'node:child_process';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionSummary, MessageToHost, MessageToWorker, WorkerOptions } from './messages.ts';
import type { TimerInfo } from './timers.ts';

export interface LaunchOptions {
  readonly worker: WorkerOptions;
  readonly environment: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  readonly onTimerRequested: (functionName: string) => void;
}

export interface ReadyWorker {
  readonly port: number;
  readonly functions: readonly FunctionSummary[];
}

const MAIN = join(import.meta.dirname, 'worker-main.ts');
/** Halves the start of every worker after the first ever. Beside the packages it holds, not in a folder others can write. */
const COMPILE_CACHE = join(import.meta.dirname, '../../node_modules/.cache/sandbox-host');
const START_MS = 60_000;
/** A little more than the worker gives itself. */
const STOP_MS = 6_500;
/** Enough of standard error to tell why a start failed. */
const ERROR_TEXT = 16_384;
/** What programs need of any machine; everything else of our own environment would change how the app behaves. */
const INHERITED = ['PATH', 'HOME', 'USERPROFILE', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'TZ', 'LANG'];

/** One run of `worker-main.ts`, from fork to exit. */
export class WorkerProcess {
  readonly ready: Promise<ReadyWorker>;
  /** Resolves when the process is gone, with how it ended. */
  readonly ended: Promise<string>;
  /** Connections to this very process; a later one has another port. */
  readonly agent = new Agent({ keepAlive: true });
  private readonly child: ChildProcess;
  private readonly runs = new Map<number, (failure: string | undefined) => void>();
  private nextRun = 1;
  private errorText = '';

  constructor(options: LaunchOptions) {
    this.child = fork(MAIN, [], {
      env: { ...inherited(), NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.environment },
      // Our own flags, those of a test runner for instance, are not the app's.
      execArgv: ['--enable-source-maps', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    forward(this.child.stdout, options.log);
    forward(this.child.stderr, (line) => {
      this.errorText = `${this.errorText}${line}\n`.slice(-ERROR_TEXT);
      options.log(line);
    });
    this.ended = new Promise((resolve) => {
      // 'close', not 'exit': by then everything it wrote has been read.
      this.child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
      this.child.once('error', (error) => resolve(error.message));
    });
    void this.ended.then((how) => this.cleanUp(how));
    this.ready = this.start(options);
    // Whoever waits for it gets the rejection; nobody has to.
    this.ready.catch(() => {});
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Lets it finish what it does, for a limited time. */
  async stop(): Promise<void> {
    this.send({ type: 'stop' });
    const late = new AbortController();
    void delay(STOP_MS, undefined, { signal: late.signal }).then(
      () => this.kill(),
      () => {},
    );
    await this.ended;
    late.abort();
  }

  /** Rejects when the invocation failed or the process ended during it. */
  runTimer(functionName: string, timer: TimerInfo): Promise<void> {
    if (!this.child.connected) return Promise.reject(new Error('The worker has just ended.'));
    const run = this.nextRun++;
    return new Promise((resolve, reject) => {
      this.runs.set(run, (failure) => (failure === undefined ? resolve() : reject(new Error(failure))));
      this.send({ type: 'runTimer', run, functionName, timer });
    });
  }

  private async start(options: LaunchOptions): Promise<ReadyWorker> {
    const ready = new Promise<ReadyWorker>((resolve) => {
      this.child.on('message', (message: MessageToHost) => {
        if (message.type === 'ready') resolve(message);
        else if (message.type === 'timerRequested') options.onTimerRequested(message.functionName);
        else this.finishRun(message.run, message.error);
      });
    });
    this.send({ type: 'start', options: options.worker });
    const late = new AbortController();
    try {
      return await Promise.race([
        ready,
        this.ended.then((how) => {
          throw new Error(`The functions did not start (${how}).\n${this.errorText}`);
        }),
        delay(START_MS, undefined, { signal: late.signal }).then(() => {
          this.kill();
          throw new Error(`The functions did not start within ${START_MS / 1000} seconds.\n${this.errorText}`);
        }),
      ]);
    } finally {
      late.abort();
    }
  }

  private send(message: MessageToWorker): void {
    // A process that is gone or going is noticed by its end, not here.
    if (this.child.connected) this.child.send(message, () => {});
  }

  private finishRun(run: number, failure: string | undefined): void {
    this.runs.get(run)?.(failure);
    this.runs.delete(run);
  }

  private cleanUp(how: string): void {
    this.agent.destroy();
    for (const run of [...this.runs.keys()]) this.finishRun(run, `The worker ended during the invocation (${how}).`);
  }
}

function forward(stream: Readable | null, log: (line: string) => void): void {
  if (stream) createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', log);
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
