import { HOUR, MINUTE, SECOND } from '../../shared/clock.ts';
import type { App } from '../../shared/compose.ts';
import { runCheck, scan } from '../../shared/connections/checks.ts';
import { acceptTicket } from '../../shared/mail/accept-ticket.ts';
import { QUEUES } from '../../shared/storage-names.ts';
import type { FakeApp } from './app.ts';
import type { FakeMessage } from './stores.ts';

/** What a message is put back with when its execution failed. */
const REDELIVERY_MS = 5 * MINUTE;
const WORKED: readonly string[] = [QUEUES.checks, QUEUES.lanes];

/**
 * The host over a fake app: scans once an hour, works off checks and tickets at their time, and delivers again what
 * failed. Each execution is an instance of its own, that remembers nothing, unless told otherwise.
 */
export class FakeHost {
  readonly failures: unknown[] = [];
  private readonly fake: FakeApp;
  private readonly instance: () => App;
  /** Runs one execution; a test may kill it. What is thrown here makes the message come again. */
  execute: (action: () => Promise<void>, what: 'scan' | 'check' | 'ticket', text: string) => Promise<void> = (action) =>
    action();
  private nextScan: number;
  private deliveries = 0;

  constructor(fake: FakeApp, instance: () => App = () => fake.compose()) {
    this.fake = fake;
    this.instance = instance;
    this.nextScan = fake.clock.now().getTime() + HOUR;
  }

  /** Time passes, and everything happens that has its time. */
  async pass(milliseconds: number): Promise<void> {
    const { clock } = this.fake;
    const until = clock.now().getTime() + milliseconds;
    for (;;) {
      const message = this.first();
      const at = Math.min(this.nextScan, message ? dueAt(message) : Number.POSITIVE_INFINITY);
      if (at > until) break;
      clock.advance(Math.max(0, at - clock.now().getTime()));
      if (message && at === dueAt(message)) await this.deliver(message);
      else await this.scan();
    }
    clock.advance(Math.max(0, until - clock.now().getTime()));
  }

  private async scan(): Promise<void> {
    // A timer that was late fires once.
    while (this.nextScan <= this.fake.clock.now().getTime()) this.nextScan += HOUR;
    await this.run(() => scan(this.instance().checks, this.fake.invocation()), undefined);
  }

  /** The message that is due first. */
  private first(): FakeMessage | undefined {
    let first: FakeMessage | undefined;
    for (const message of this.fake.queues.sent) {
      if (WORKED.includes(message.queue) && (!first || dueAt(message) < dueAt(first))) first = message;
    }
    return first;
  }

  private async deliver(message: FakeMessage): Promise<void> {
    const { sent } = this.fake.queues;
    sent.splice(sent.indexOf(message), 1);
    const app = this.instance();
    const invocation = this.fake.invocation();
    this.deliveries += 1;
    const owner = `delivery-${this.deliveries}`;
    await this.run(
      () =>
        message.queue === QUEUES.checks
          ? runCheck(app.checks, JSON.parse(message.text) as unknown, invocation)
          : acceptTicket(app.mail, message.text, { invocation, owner, redelivered: false, isTicket: true }),
      message,
    );
  }

  private async run(action: () => Promise<void>, message: FakeMessage | undefined): Promise<void> {
    try {
      const what = !message ? 'scan' : message.queue === QUEUES.checks ? 'check' : 'ticket';
      await this.execute(action, what, message?.text ?? '');
    } catch (error) {
      this.failures.push(error);
      if (!message) return;
      const { queue, text } = message;
      const visibleInSeconds = REDELIVERY_MS / SECOND;
      this.fake.queues.sent.push({ queue, text, visibleInSeconds, sentAt: this.fake.clock.now() });
    }
  }
}

function dueAt({ sentAt, visibleInSeconds }: FakeMessage): number {
  return sentAt.getTime() + visibleInSeconds * SECOND;
}
