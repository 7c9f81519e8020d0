import type { Findings } from './findings.ts';
import { type Customer, DAY_AND_SCAN_HOURS, type Link, type Troubles } from './truth.ts';

const HOUR = 3_600_000;
/** Events that were told late, by whoever came after one who died, are there by then: each check tells what is left. */
const SETTLED_MS = 48 * HOUR;

interface Event {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly data: {
    readonly connectionId?: string;
    readonly clientId?: string;
    readonly reason?: string;
    readonly alertAddress?: string;
    readonly expiresOn?: string;
    readonly daysLeft?: number;
  };
}

/** What somebody who reads nothing but events knows of a connection. */
interface Known {
  state: 'working' | 'paused' | 'needs_relink' | 'broken' | 'removed';
  /** Since when it has had trouble of its own; 0 for none. A refused application does not end it. */
  ownTroubleAt: number;
  brokenAt: number;
}

/** The truth that events are held against. */
export interface Truth {
  linkOf(connectionId: string): Link | undefined;
  /** Whether somebody unlinked the connection. */
  wasUnlinked(connectionId: string): boolean;
  customerOf(clientId: string): Customer | undefined;
  /** Whether Microsoft gave a token for the account between the two times. */
  gaveToken(account: string, from: number, to: number): boolean;
  readonly troubles: Troubles;
}

/**
 * Reads events as Hire2Retire does: each breakdown and recovery is told exactly once, at its time, under its reason, with
 * an id of its own; and who believes the events believes what the API shows.
 */
export class Told {
  private readonly findings: Findings;
  private readonly truth: Truth;
  private readonly texts = new Map<string, string>();
  private pending: Event[] = [];
  private readonly known = new Map<string, Known>();
  private readonly brokenAt = new Map<string, number>();
  private readonly shown: { readonly at: number; readonly statuses: ReadonlyMap<string, string> }[] = [];
  private differed = new Map<string, string>();
  /** Client id and date of expiry → the least days before it at which was warned. */
  readonly warned = new Map<string, number>();

  constructor(findings: Findings, truth: Truth) {
    this.findings = findings;
    this.truth = truth;
  }

  take(texts: readonly string[]): void {
    for (const text of texts) {
      const event = JSON.parse(text) as Event;
      if (!/^(connection|application)\./.test(event.type)) continue;
      const before = this.texts.get(event.id);
      if (before === undefined) this.pending.push(event);
      // A link that somebody else finishes is told at that time; its id says that it is the same.
      else if (before !== text && event.type !== 'connection.linked') this.wrong(event, 'an id that another event has');
      this.texts.set(event.id, before ?? text);
    }
  }

  /** What the API shows of each connection now; compared when all events until now are in. */
  show(at: number, statuses: ReadonlyMap<string, string>): void {
    this.shown.push({ at, statuses });
    const settled = at - SETTLED_MS;
    while (this.shown[0] && this.shown[0].at <= settled) {
      const snapshot = this.shown.shift();
      if (!snapshot) return;
      this.read(snapshot.at);
      this.compare(snapshot.at, snapshot.statuses);
    }
  }

  private read(until: number): void {
    const ready = this.pending.filter(({ time }) => Date.parse(time) <= until);
    this.pending = this.pending.filter(({ time }) => Date.parse(time) > until);
    ready.sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
    for (const event of ready) this.hear(event);
  }

  private hear(event: Event): void {
    const { connectionId, clientId } = event.data;
    if (event.type === 'application.secret_expiring') this.warning(event);
    else if (event.type === 'application.broken') this.broken(event, clientId ?? '');
    else this.hearOfConnection(event, connectionId ?? '');
  }

  private hearOfConnection(event: Event, connectionId: string): void {
    const link = this.truth.linkOf(connectionId);
    if (!link) {
      this.wrong(event, 'nobody’s connection');
      return;
    }
    const known = this.known.get(connectionId) ?? { state: 'working', ownTroubleAt: 0, brokenAt: 0 };
    this.known.set(connectionId, known);
    const at = Date.parse(event.time);
    switch (event.type) {
      case 'connection.needs_relink':
        this.needsRelink(event, link, known, at);
        break;
      case 'connection.resumed':
        this.resumed(event, link, known, at);
        break;
      case 'connection.linked':
        known.state = link.wasPaused(Date.parse(event.time)) ? 'paused' : 'working';
        known.ownTroubleAt = 0;
        break;
      case 'connection.paused':
        known.state = 'paused';
        break;
      case 'connection.removed':
        if (!this.truth.wasUnlinked(connectionId)) this.wrong(event, 'nobody unlinked it');
        known.state = 'removed';
        this.forgetUnused(link.customer);
        break;
      default:
        this.wrong(event, 'nothing of the kind happened');
    }
  }

  /** With its last connection an application goes, and what was told of it: linked again, it is told of anew. */
  private forgetUnused(customer: Customer): void {
    for (const [connectionId, { state }] of this.known) {
      const link = this.truth.linkOf(connectionId);
      if (link?.owned && link.customer === customer && state !== 'removed') return;
    }
    for (const key of this.warned.keys()) if (key.startsWith(customer.clientId)) this.warned.delete(key);
  }

  private needsRelink(event: Event, link: Link, known: Known, at: number): void {
    if (known.state === 'needs_relink') this.wrong(event, 'told before');
    const reason = event.data.reason ?? '';
    if (!link.history.held(reason, at - this.window(link, at), at)) this.wrong(event, `not because of ${reason}`);
    if (!link.hadAddress(event.data.alertAddress ?? '', at - this.window(link, at), at))
      this.wrong(event, 'another address than the one to tell');
    known.state = 'needs_relink';
    known.ownTroubleAt = at;
  }

  private resumed(event: Event, link: Link, known: Known, at: number): void {
    if (known.state === 'working') this.wrong(event, 'it was told to work');
    if (known.ownTroubleAt > 0 && !this.truth.gaveToken(link.account, known.ownTroubleAt, at))
      this.wrong(event, 'Microsoft gave no token since it was dead');
    if (known.state === 'broken' && link.customer.history.heldThroughout(known.brokenAt, at))
      this.wrong(event, 'the application never worked in between');
    known.state = 'working';
    known.ownTroubleAt = 0;
  }

  private broken(event: Event, clientId: string): void {
    const customer = this.truth.customerOf(clientId);
    if (!customer) {
      this.wrong(event, 'nobody’s application');
      return;
    }
    const at = Date.parse(event.time);
    const reason = event.data.reason ?? '';
    const window = this.truth.troubles.window(at);
    if (!customer.history.held(reason, at - window, at)) this.wrong(event, `not because of ${reason}`);
    const before = this.brokenAt.get(clientId);
    if (before !== undefined && customer.history.heldThroughout(before, at)) this.wrong(event, 'told before');
    this.brokenAt.set(clientId, at);
    for (const [connectionId, known] of this.known) {
      const link = this.truth.linkOf(connectionId);
      if (!link?.owned || link.customer !== customer || known.state === 'removed') continue;
      known.brokenAt = at;
      if (known.state !== 'needs_relink') known.state = 'broken';
    }
  }

  private warning(event: Event): void {
    const { clientId = '', expiresOn = '', daysLeft = 0 } = event.data;
    const key = `${clientId} ${expiresOn}`;
    const before = this.warned.get(key) ?? Number.POSITIVE_INFINITY;
    const threshold = thresholdOf(daysLeft);
    if (threshold === undefined || threshold >= before)
      this.findings.add('wrongWarnings', Date.parse(event.time), `${event.id} ${daysLeft} days before, told before`);
    this.warned.set(key, Math.min(before, threshold ?? before));
  }

  /** Of two days in a row: what somebody was about to tell who died is told by the next check. */
  private compare(at: number, statuses: ReadonlyMap<string, string>): void {
    const differ = new Map<string, string>();
    for (const [connectionId, status] of statuses) {
      const told = this.known.get(connectionId)?.state ?? 'nothing';
      const fits = told === status || (told === 'working' && status === 'connected');
      // A pause that was hidden by trouble comes back without an event.
      if (fits || (status === 'paused' && told !== 'removed')) continue;
      const what = `${connectionId} is ${status}, and was told to be ${told}`;
      if (this.differed.get(connectionId) === what) this.findings.add('wronglyTold', at, what);
      differ.set(connectionId, what);
    }
    this.differed = differ;
  }

  /** How long before an event its cause may have ended. */
  private window(link: Link, at: number): number {
    return this.truth.troubles.with(link.kills).window(at, link.kills.length > 0 ? DAY_AND_SCAN_HOURS : 1);
  }

  private wrong({ id, type, time }: Event, why: string): void {
    this.findings.add('wronglyTold', Date.parse(time), `${type} ${id}: ${why}`);
  }
}

/** The least of the days at which is warned that is not below the days that are left. */
export function thresholdOf(daysLeft: number): number | undefined {
  return [1, 7, 14, 30, 60].find((days) => daysLeft <= days);
}
