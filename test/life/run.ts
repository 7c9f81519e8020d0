import { getConnection } from '../../shared/connections/read-connections.ts';
import { text } from '../../shared/storage/table.ts';
import { QUEUES } from '../../shared/storage-names.ts';
import { Dice } from '../model/dice.ts';
import type { Kind } from './findings.ts';
import { Happenings } from './happenings.ts';
import { seedRandomness } from './seeded.ts';
import { DAY, HOUR, type StageOptions } from './stage.ts';
import { Told, thresholdOf } from './told.ts';
import { type Customer, judge, type Link, type Said } from './truth.ts';

export interface LifeOptions extends StageOptions {
  readonly days: number;
  /** Ends with the day on which this is true of what was found so far. */
  readonly until?: (result: LifeResult) => boolean;
}

export interface LifeResult extends Readonly<Record<Kind, number>> {
  readonly days: number;
  readonly connections: number;
  /** Connections that were said to be dead, or alive, when for more than a day they were not; each counted once a day. */
  readonly wronglyDead: number;
  readonly wronglyAlive: number;
  /** The longest that a dead link looked alive, hours of outages not counted. */
  readonly latestDetectionHours: number;
  readonly maxVersions: number;
  /** The first of what was found, in words. */
  readonly findings: readonly string[];
}

/** Lives through days of connections; says where the product and the truth differed. */
export async function live(options: LifeOptions): Promise<LifeResult> {
  const endRandomness = seedRandomness(new Dice(options.seed + 1_000_000));
  try {
    const life = new Life(options);
    await life.begin();
    for (let day = 0; day < options.days; day += 1) {
      await life.day();
      if (options.until?.(life.result(options.days))) break;
    }
    return life.result(options.days);
  } finally {
    endRandomness();
  }
}

class Life extends Happenings {
  private readonly counts = { wronglyDead: 0, wronglyAlive: 0, latest: 0 };
  private readonly told = new Told(this.findings, {
    linkOf: (connectionId) => this.linkOf.get(connectionId),
    wasUnlinked: (connectionId) => this.unlinked.has(connectionId),
    customerOf: (clientId) => this.customers.find((customer) => customer.clientId === clientId),
    gaveToken: (account, from, to) => this.fake.identity.gaveToken(account, from, to),
    troubles: this.troubles,
  });

  async day(): Promise<void> {
    this.plan();
    for (let hour = 0; hour < 24; hour += 1) {
      await this.pass(HOUR);
      for (const link of this.links) await this.observe(link, hour === 23);
    }
    await this.reckon();
    const { fake } = this;
    fake.identity.forget();
    fake.events.splice(0);
    fake.graph.posted.splice(0);
  }

  /** What the product says, held against the truth. Seen once an hour, judged once a day. */
  private async observe(link: Link, isJudged: boolean): Promise<void> {
    const says = await this.said(link);
    const troubles = this.allTroubles.with(link.kills);
    const verdict = judge(link, says, this.now, troubles);
    if (verdict === 'right' && !link.noticed) {
      link.noticed = true;
      const hours = (this.now - link.since) / HOUR - troubles.hours(link.since, this.now);
      if (!link.gone && !link.alive(this.now)) this.counts.latest = Math.max(this.counts.latest, Math.ceil(hours));
    }
    if (!isJudged || (verdict !== 'wronglyDead' && verdict !== 'wronglyAlive')) return;
    this.counts[verdict] += 1;
    const causes = link.gone ? 'unlinked' : link.causes(this.now).join(' ') || (link.paused ? 'paused' : 'well');
    this.findings.say(this.now, `${verdict}: ${link.connectionId} is ${causes}, shown ${says.status}/${says.gate}`);
  }

  private async said({ connectionId, customer }: Link): Promise<Said> {
    const { row } = await this.fake.connections.get(customer.customerId, connectionId);
    const lane = await this.fake.mails.get(connectionId, '0');
    return { status: row ? text(row, 'status') : 'gone', gate: lane.row ? text(lane.row, 'gate') : 'gone' };
  }

  /** Once a day: events, reasons, secrets, checks and warnings. */
  private async reckon(): Promise<void> {
    const { sent } = this.fake.queues;
    this.told.take(this.fake.queues.of(QUEUES.events).map((message) => message.text));
    sent.splice(0, sent.length, ...sent.filter(({ queue }) => queue !== QUEUES.events));
    const statuses = new Map<string, string>();
    for (const link of this.links) {
      const { status } = await this.said(link);
      statuses.set(link.connectionId, status === 'gone' ? 'removed' : status);
      if (status === 'needs_relink' || status === 'broken') await this.explain(link);
    }
    this.told.show(this.now, statuses);
    this.fake.secrets.balance(this.allTroubles.with(this.links.flatMap(({ kills }) => kills)));
    this.rounds.take(this.fake.checked.splice(0));
    for (const customer of this.customers) this.warnings(customer);
  }

  /** What is said of why a link does not work must be true, or have been a day ago. */
  private async explain(link: Link): Promise<void> {
    const { customerId } = link.customer;
    const { status, reason } = await getConnection(this.fake.app.connections, customerId, link.connectionId);
    const window = this.allTroubles.with(link.kills).window(this.now);
    if (link.history.held(reason ?? '', this.now - window, this.now)) return;
    const causes = link.causes(this.now).join(' ');
    this.findings.add('wrongReasons', this.now, `${link.connectionId} is ${status} by ${reason}, and truly: ${causes}`);
  }

  /** The end of a secret that works is told of in time. Told twice, it is found by its events. */
  private warnings(customer: Customer): void {
    const owned = this.links.filter((link) => link.customer === customer && link.owned && !link.gone);
    const kills = owned.flatMap((link) => link.kills);
    const window = this.allTroubles.with(kills).window(this.now) + DAY;
    const from = this.now - window;
    const isQuiet =
      customer.secretSince < from && owned.some(({ since }) => since < from) && this.now < customer.expiresAt;
    if (!isQuiet || customer.history.heldThroughout(from, from) || !customer.works(this.now)) return;
    if (['app_disabled', 'secret_expired'].some((cause) => customer.history.held(cause, from, this.now))) return;
    const threshold = thresholdOf((customer.expiresAt - from) / DAY);
    const expiresOn = new Date(customer.expiresAt).toISOString().slice(0, 10);
    const warned = this.told.warned.get(`${customer.clientId} ${expiresOn}`) ?? Number.POSITIVE_INFINITY;
    if (threshold !== undefined && warned > threshold)
      this.findings.add('wrongWarnings', this.now, `${customer.clientId} ends on ${expiresOn}, and nobody was warned`);
  }

  result(days: number): LifeResult {
    const { wronglyDead, wronglyAlive, latest } = this.counts;
    return {
      days,
      connections: this.links.length,
      wronglyDead,
      wronglyAlive,
      latestDetectionHours: latest,
      maxVersions: this.fake.secrets.maxVersions,
      ...this.findings.counts,
      findings: this.findings.sentences,
    };
  }
}
