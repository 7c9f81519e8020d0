import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** What a program needs of any machine; the rest of our environment would change what is measured. */
const INHERITED = ['PATH', 'HOME', 'USERPROFILE', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'TZ', 'LANG'];

export interface ChildOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Flags of Node. */
  readonly flags?: readonly string[];
}

type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string };

/** One of the processes that a measurement consists of, and calls of the methods that it serves (`serveMethods`). */
export class Child {
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private readonly launch: () => ChildProcess;
  private running: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();
  private next = 1;

  /** @param file name of a program in `bench/processes` */
  constructor(file: string, { environment = {}, flags = [] }: ChildOptions = {}) {
    const inherited = INHERITED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    this.launch = () =>
      fork(join(import.meta.dirname, '../processes', file), [], {
        env: { ...Object.fromEntries(inherited), ...environment },
        execArgv: ['--disable-warning=ExperimentalWarning', ...flags],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
  }

  /** Starts the process at the first call. */
  private start(): ChildProcess {
    if (this.running) return this.running;
    const started = this.launch();
    this.running = started;
    started.on('message', (answer: Answer) => {
      this.waiting.get(answer.id)?.(answer);
      this.waiting.delete(answer.id);
    });
    this.ended = new Promise((resolve) => {
      started.once('exit', (code, signal) => {
        for (const [id, answer] of this.waiting) answer({ id, error: `a process ended (${signal ?? code})` });
        resolve();
      });
    });
    return started;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  async call<T>(method: string, argument?: unknown): Promise<T> {
    const id = this.next++;
    const answer = await new Promise<Answer>((resolve) => {
      this.waiting.set(id, resolve);
      this.start().send({ id, method, argument }, (error) => {
        if (error) resolve({ id, error: error.message });
      });
    });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value as T;
  }

  /** SIGTERM, so that a profile that Node is taking gets written. */
  async close(): Promise<void> {
    this.running?.kill('SIGTERM');
    await this.ended;
  }
}
