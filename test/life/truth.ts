const HOUR = 3_600_000;

/** How long a dead link may look alive, or one that came back dead, where nothing else fails: a day, and the next scan. */
const DAY_AND_SCAN_HOURS = 26;
/** What an outage or a kill costs beyond its own time: the repetition, and a check that keeps its time of day. */
const AFTER_TROUBLE_HOURS = 6;

/** One linked mailbox, as it truly is. Knows nothing of how the product works. */
export class Link {
  readonly account: string;
  readonly customer: Customer;
  readonly owned: boolean;
  connectionId = '';
  granted = true;
  enabled = true;
  /** Since when it has been as it is. */
  since = 0;
  private was = true;
  /** Whether the product has noticed how it is. */
  noticed = true;
  /** Checks and links of it that were killed. */
  readonly kills: { readonly from: number; readonly to: number }[] = [];

  constructor(account: string, customer: Customer, owned: boolean) {
    this.account = account;
    this.customer = customer;
    this.owned = owned;
  }

  alive(now: number): boolean {
    return this.granted && this.enabled && (!this.owned || this.customer.works(now));
  }

  /** To be called after anything changed. */
  update(now: number): void {
    const is = this.alive(now);
    if (is === this.was) return;
    this.was = is;
    this.since = now;
    this.noticed = false;
  }
}

/** A customer with an application of its own. */
export class Customer {
  readonly customerId: string;
  readonly clientId: string;
  secret = 0;
  expiresAt = 0;
  enabled = true;

  constructor(customerId: string, clientId: string) {
    this.customerId = customerId;
    this.clientId = clientId;
  }

  get secretValue(): string {
    return `${this.customerId}~client.secret-${this.secret}`;
  }

  works(now: number): boolean {
    return this.enabled && now < this.expiresAt;
  }
}

/** What the product says of a connection. */
export interface Said {
  readonly status: string;
  readonly gate: string;
}

/** Times in which something failed, so that nobody could know. */
export class Troubles {
  private readonly spans: { readonly from: number; readonly to: number }[] = [];

  add(from: number, to: number): void {
    this.spans.push({ from, to });
  }

  /** Together with some that are not over. */
  with(spans: readonly { readonly from: number; readonly to: number }[]): Troubles {
    const together = new Troubles();
    together.spans.push(...this.spans, ...spans);
    return together;
  }

  /** Hours of it between two times, with what follows from it. */
  hours(from: number, to: number): number {
    const met = this.spans.filter((span) => span.to + AFTER_TROUBLE_HOURS * HOUR > from && span.from < to);
    if (met.length === 0) return 0;
    const within = met.reduce((sum, span) => sum + Math.max(0, Math.min(span.to, to) - Math.max(span.from, from)), 0);
    return within / HOUR + AFTER_TROUBLE_HOURS + met.length;
  }
}

export type Verdict = 'right' | 'early' | 'wronglyDead' | 'wronglyAlive';

/** Compares what is true with what is said. `early`: it may not be known yet. */
export function judge(link: Link, said: Said, now: number, troubles: Troubles): Verdict {
  const alive = link.alive(now);
  const works = said.status === 'connected' && said.gate === 'open';
  const stands = said.status !== 'connected' && said.gate === said.status;
  if (alive ? works : stands) return 'right';
  const known = DAY_AND_SCAN_HOURS + troubles.hours(link.since, now);
  if (now - link.since <= known * HOUR) return 'early';
  return alive ? 'wronglyDead' : 'wronglyAlive';
}
