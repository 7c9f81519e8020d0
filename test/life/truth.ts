const HOUR = 3_600_000;

/** How long a dead link may look alive, or one that came back dead, where nothing else fails: a day, and the next scan. */
export const DAY_AND_SCAN_HOURS = 26;
/** What an outage or a kill costs beyond its own time: the repetition, and a check that keeps its time of day. */
const AFTER_TROUBLE_HOURS = 6;
/** An unlink is gone on with by the next scan, and a removal by a quarter of an hour of quiet after that. */
const UNLINKED_HOURS = 4;

/** Why a link does not work, in the words of docs/errors.md. */
export type Cause = 'access_revoked' | 'account_disabled' | 'sign_in_again' | 'app_disabled' | 'secret_expired';

interface Span {
  readonly from: number;
  to: number;
}

/** When each cause held. */
class History {
  private readonly spans: (Span & { readonly cause: Cause })[] = [];
  private last = 0;

  update(now: number, causes: readonly Cause[]): void {
    for (const span of this.spans)
      if (span.to === Number.POSITIVE_INFINITY && !causes.includes(span.cause)) span.to = now;
    for (const cause of causes)
      if (!this.spans.some((span) => span.cause === cause && span.to === Number.POSITIVE_INFINITY))
        this.spans.push({ cause, from: now, to: Number.POSITIVE_INFINITY });
    this.last = now;
  }

  /** Whether the cause held at some time between the two. */
  held(cause: string, from: number, to: number): boolean {
    return this.spans.some((span) => span.cause === cause && span.from <= to && span.to >= from);
  }

  /** Whether there was not a moment without a cause between the two. */
  heldThroughout(from: number, to: number): boolean {
    let covered = from;
    for (const span of [...this.spans].sort((a, b) => a.from - b.from))
      if (span.from <= covered && span.to > covered) covered = span.to;
    return covered > to && this.last >= to;
  }
}

/** One linked mailbox, as it truly is. Knows nothing of how the product works. */
export class Link {
  readonly account: string;
  readonly customer: Customer;
  readonly owned: boolean;
  connectionId = '';
  /** Why the grant is gone; '' while it is good. */
  lost: '' | 'access_revoked' | 'sign_in_again' = '';
  enabled = true;
  /** Somebody holds its mail. */
  paused = false;
  private readonly pauses: Span[] = [];
  /** Somebody unlinked it, and it is not linked again. */
  gone = false;
  /** Whom to tell, newest last. */
  readonly addresses: { readonly address: string; readonly at: number }[] = [{ address: '', at: 0 }];
  /** Since when it has been as it is. */
  since = 0;
  private was = '';
  /** Whether the product has noticed how it is. */
  noticed = true;
  /** Checks and links of it that were killed. */
  readonly kills: { readonly from: number; readonly to: number }[] = [];
  readonly history = new History();

  constructor(account: string, customer: Customer, owned: boolean) {
    this.account = account;
    this.customer = customer;
    this.owned = owned;
  }

  hold(paused: boolean, now: number): void {
    const last = this.pauses.at(-1);
    if (paused && !this.paused) this.pauses.push({ from: now, to: Number.POSITIVE_INFINITY });
    else if (!paused && last) last.to = Math.min(last.to, now);
    this.paused = paused;
  }

  /** Whether it was paused at that time, or resumed at that very moment. */
  wasPaused(at: number): boolean {
    return this.pauses.some(({ from, to }) => from <= at && at <= to);
  }

  /** Whether somebody was to be told at that address between the two times. */
  hadAddress(address: string, from: number, to: number): boolean {
    return this.addresses.some((each, n) => {
      const until = this.addresses[n + 1]?.at ?? Number.POSITIVE_INFINITY;
      return each.address === address && each.at <= to && until >= from;
    });
  }

  alive(now: number): boolean {
    return this.causes(now).length === 0;
  }

  causes(now: number): readonly Cause[] {
    const own: Cause[] = [...(this.enabled ? [] : (['account_disabled'] as const)), ...(this.lost ? [this.lost] : [])];
    return this.owned ? [...this.customer.causes(now), ...own] : own;
  }

  /** To be called after anything changed. */
  update(now: number): void {
    const causes = this.causes(now);
    this.history.update(now, causes);
    // While an application is refused, nobody can know of its accounts.
    const hidden = this.owned && !this.customer.works(now);
    const is = this.gone ? 'gone' : causes.length === 0 ? 'alive' : hidden ? 'broken' : 'dead';
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
  /** When the product got the secret that it has. */
  secretSince = 0;
  enabled = true;
  /** Everything of it is being removed, since then; 0 for no. */
  leavingSince = 0;
  readonly history = new History();

  constructor(customerId: string, clientId: string) {
    this.customerId = customerId;
    this.clientId = clientId;
  }

  get secretValue(): string {
    return `${this.customerId}~client.secret-${this.secret}`;
  }

  works(now: number): boolean {
    return this.causes(now).length === 0;
  }

  causes(now: number): readonly Cause[] {
    return [
      ...(this.enabled ? [] : (['app_disabled'] as const)),
      ...(now < this.expiresAt ? [] : (['secret_expired'] as const)),
    ];
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

  /** How far back something may lie that is noticed only now, in milliseconds. */
  window(now: number, hours = DAY_AND_SCAN_HOURS): number {
    return (hours + this.hours(now - 5 * 24 * HOUR, now)) * HOUR;
  }
}

export type Verdict = 'right' | 'early' | 'wronglyDead' | 'wronglyAlive';

/** Compares what is true with what is said. `early`: it may not be known yet. */
export function judge(link: Link, said: Said, now: number, troubles: Troubles): Verdict {
  const alive = !link.gone && link.alive(now);
  if (isSaid(link, alive, said)) return 'right';
  const known = (link.gone ? UNLINKED_HOURS : DAY_AND_SCAN_HOURS) + troubles.hours(link.since, now);
  if (now - link.since <= known * HOUR) return 'early';
  return alive ? 'wronglyDead' : 'wronglyAlive';
}

function isSaid(link: Link, alive: boolean, { status, gate }: Said): boolean {
  if (link.gone) return status === 'gone';
  if (!alive) return (status === 'needs_relink' || status === 'broken') && gate === status;
  return link.paused ? status === 'paused' && gate === 'paused' : status === 'connected' && gate === 'open';
}
