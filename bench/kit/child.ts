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
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private readonly ended: Promise<void>;
  private next = 1;

  /** @param file name of a program in `bench/processes` */
  constructor(file: string, { environment = {}, flags = [] }: ChildOptions = {}) {
    const inherited = INHERITED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    this.process = fork(join(import.meta.dirname, '../processes', file), [], {
      env: { ...Object.fromEntries(inherited), ...environment },
      execArgv: ['--disable-warning=ExperimentalWarning', ...flags],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.process.on('message', (answer: Answer) => {
      this.waiting.get(answer.id)?.(answer);
      this.waiting.delete(answer.id);
    });
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => {
        for (const [id, answer] of this.waiting) answer({ id, error: `${file} ended (${signal ?? code})` });
        resolve();
      });
    });
  }

  async call<T>(method: string, argument?: unknown): Promise<T> {
    const id = this.next++;
    const answer = await new Promise<Answer>((resolve) => {
      this.waiting.set(id, resolve);
      this.process.send({ id, method, argument }, (error) => {
        if (error) resolve({ id, error: error.message });
      });
    });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value as T;
  }

  /** SIGTERM, so that a profile that Node is taking gets written. */
  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGTERM');
    await this.ended;
  }
}
