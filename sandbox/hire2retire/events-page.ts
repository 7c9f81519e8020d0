import type { QueueClient } from '@azure/storage-queue';
import { type Html, html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import { type OutlookEvent, readEvents } from './event-reader.ts';
import { page, type Shell, seeOther } from './layout.ts';
import { time } from './words.ts';

export const EVENTS_PATH = '/events';
const MOST = 200;

/**
 * Events that were read, newest first. Read when somebody asks for it, and not all the time as Hire2Retire's worker does:
 * a program under test may want them, and an event is there for one reader.
 */
export class EventLog {
  private readonly queue: () => Promise<QueueClient>;
  private readonly seen = new Map<string, OutlookEvent>();

  constructor(queue: () => Promise<QueueClient>) {
    this.queue = queue;
  }

  get events(): readonly OutlookEvent[] {
    return [...this.seen.values()].reverse();
  }

  async read(): Promise<void> {
    await readEvents(await this.queue(), async (event) => {
      // The same id again is the same event.
      if (this.seen.has(event.id)) return;
      this.seen.set(event.id, event);
      if (this.seen.size > MOST) this.seen.delete(this.seen.keys().next().value ?? '');
    });
  }
}

export function eventsPage(shell: Shell, log: EventLog): Reply {
  const events = log.events.filter(({ data }) => data.customerId === shell.session.customerId);
  return page(shell, {
    title: 'Events',
    tab: EVENTS_PATH,
    content: html`<h1>Events</h1>
<p class="lead">What the app tells on the queue <code>outlook-events</code>. Hire2Retire’s worker reads it all the time; here it is read when you click, and what was read is gone from the queue.</p>
<form method="post" action="${EVENTS_PATH}"><button type="submit">Read events</button></form>
${events.length === 0 ? html`<p>None was read yet.</p>` : table(events)}`,
  });
}

export async function readEventsNow(shell: Shell, log: EventLog): Promise<Reply> {
  await log.read();
  return seeOther(shell.session, EVENTS_PATH);
}

function table(events: readonly OutlookEvent[]): Html {
  return html`<div class="events">${events.map(
    ({ id, type, time: at, data }) => html`<article class="card" data-event-id="${id}" data-event-type="${type}">
<h2>${type}</h2>
<dl class="facts"><div><dt>At</dt><dd>${time(at)}</dd></div>
${Object.entries(data)
  .filter(([name]) => name !== 'customerId')
  .map(([name, value]) => html`<div><dt>${name}</dt><dd><code class="long">${String(value)}</code></dd></div>`)}</dl>
</article>`,
  )}</div>`;
}
