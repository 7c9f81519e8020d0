import { createHash } from 'node:crypto';
import type { App } from '../../shared/compose.ts';
import type { StartLinkRequest } from '../../shared/linking/requests.ts';
import { submitMail } from '../../shared/mail/submit-mail.ts';
import { text } from '../../shared/storage/table.ts';
import { QUEUES } from '../../shared/storage-names.ts';
import { FakeHost } from '../fakes/host.ts';
import { ACME_TENANT } from '../fakes/microsoft.ts';
import { Dice } from '../model/dice.ts';
import { killedAt } from '../shared/linking/crash.ts';
import type { Mutation } from './mutations.ts';
import { seedRandomness } from './seeded.ts';
import { Customer, judge, Link, type Said, Troubles } from './truth.ts';
import { LifeApp } from './world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface LifeOptions {
  readonly seed: number;
  readonly connections: number;
  readonly days: number;
  /** Old tokens die with their use: every one is stored, one process refreshes, and nobody kills it. */
  readonly strict?: boolean;
  readonly mutation?: Mutation;
  /** Ends with the day on which this is true of what was found so far. */
  readonly until?: (result: LifeResult) => boolean;
}

export interface LifeResult {
  readonly days: number;
  readonly connections: number;
  /** Connections that were said to be dead, or alive, when for more than a day they were not; each counted once a day. */
  readonly wronglyDead: number;
  readonly wronglyAlive: number;
  /** The longest that a dead link looked alive, hours of outages not counted. */
  readonly latestDetectionHours: number;
  readonly maxVersions: number;
}

/** What happens in a day, per connection or per customer. */
const CHANCES = {
  revoked: 0.004,
  accountDisabled: 0.004,
  relinked: 0.01,
  sends: 0.2,
  applicationDisabled: 0.004,
  outage: 0.06,
  killed: 0.05,
  newInstance: 0.02,
  linkKilled: 0.2,
} as const;

/** One mailbox in so many sends every hour; the others are idle on most days. */
const BUSY_ONE_IN = 20;

/** Lives through days of connections; says where the product and the truth differed. */
export async function live(options: LifeOptions): Promise<LifeResult> {
  const endRandomness = seedRandomness(new Dice(options.seed + 1_000_000));
  try {
    const life = new Life(options);
    await life.begin();
    for (let day = 0; day < options.days; day += 1) {
      await life.day();
      if (options.until?.(life.result())) break;
    }
    return life.result();
  } finally {
    endRandomness();
  }
}

class Life {
  private readonly options: LifeOptions;
  private readonly dice: Dice;
  private readonly fake: LifeApp;
  private readonly host: FakeHost;
  private readonly troubles = new Troubles();
  private readonly links: Link[] = [];
  private readonly customers: Customer[] = [];
  private readonly instances: App[] = [];
  private counts = { wronglyDead: 0, wronglyAlive: 0, latest: 0 };
  private outage: { readonly what: 'identity' | 'vault'; readonly from: number; readonly until: number } | undefined;
  private todo: { readonly at: number; readonly run: () => Promise<void> | void }[] = [];
  private mails = 0;

  constructor(options: LifeOptions) {
    this.options = options;
    this.dice = new Dice(options.seed);
    const settings = { MAIL_PER_MINUTE: '0', REFRESH_TOKEN_WRITE_AFTER_DAYS: options.strict ? '0' : '30' };
    this.fake = new LifeApp(settings, options.mutation);
    this.fake.identity.strict = options.strict === true;
    for (let n = 0; n < (options.strict ? 1 : 3); n += 1) this.instances.push(this.fake.compose());
    this.host = new FakeHost(this.fake, () => this.instance());
    this.host.execute = (action, what, message) => this.execute(action, what, message);
  }

  private get now(): number {
    return this.fake.clock.now().getTime();
  }

  private instance(): App {
    const { dice, instances, options } = this;
    const index = dice.between(0, instances.length - 1);
    if (!options.strict && dice.chance(CHANCES.newInstance)) instances[index] = this.fake.compose();
    return instances[index] as App;
  }

  /** Links all mailboxes: ten to a customer, some through its own application. */
  async begin(): Promise<void> {
    for (let n = 0; n < this.options.connections; n += 1) {
      if (n % 10 === 0) this.customers.push(this.newCustomer(n / 10));
      const customer = this.customers.at(-1) as Customer;
      const link = new Link(guid(`account ${n}`), customer, n % 10 >= 5);
      link.since = this.now;
      await this.signIn(link);
      this.links.push(link);
      if (n % 10 === 9) await this.host.pass(HOUR);
    }
  }

  private newCustomer(index: number): Customer {
    const customer = new Customer(`customer-${index}`, guid(`application ${index}`));
    this.fake.identity.applications.set(customer.clientId, { secrets: new Map(), enabled: true });
    this.newSecret(customer);
    return customer;
  }

  /** An administrator makes a new client secret; the old one keeps its end. */
  private newSecret(customer: Customer): void {
    customer.secret += 1;
    const until = this.now + this.dice.between(40, 200) * DAY;
    // The form takes a date.
    customer.expiresAt = Date.parse(new Date(until).toISOString().slice(0, 10));
    this.fake.identity.applications.get(customer.clientId)?.secrets.set(customer.secretValue, customer.expiresAt);
  }

  private request({ customer, owned }: Link): Partial<StartLinkRequest> {
    const { customerId, clientId } = customer;
    if (!owned) return { customerId };
    const clientSecretExpiresOn = new Date(customer.expiresAt).toISOString().slice(0, 10);
    const { secretValue: clientSecret } = customer;
    return {
      customerId,
      application: { kind: 'customerOwned', clientId, clientSecret, clientSecretExpiresOn, tenant: ACME_TENANT },
    };
  }

  /** A person links, or links again. @returns whether it worked */
  private async signIn(link: Link): Promise<boolean> {
    const { fake } = this;
    fake.identity.claims = { oid: link.account, preferred_username: `${link.account}@acme.example` };
    fake.app = this.instance();
    try {
      const { connection } = await fake.link(this.request(link));
      link.connectionId = connection.connectionId;
      link.granted = true;
      this.changed();
      return true;
    } catch {
      return false;
    }
  }

  private changed(): void {
    for (const link of this.links) link.update(this.now);
  }

  private later(hours: number, run: () => Promise<void> | void): void {
    this.todo.push({ at: this.now + hours * HOUR, run });
  }

  async day(): Promise<void> {
    this.plan();
    for (let hour = 0; hour < 24; hour += 1) {
      await this.host.pass(HOUR);
      const due = this.todo.filter(({ at }) => at <= this.now);
      this.todo = this.todo.filter(({ at }) => at > this.now);
      for (const { run } of due) await run();
      this.changed();
      await this.observe(hour === 23);
    }
    this.fake.identity.forget();
    this.fake.events.splice(0);
    this.fake.graph.posted.splice(0);
    const { sent } = this.fake.queues;
    sent.splice(0, sent.length, ...sent.filter(({ queue }) => queue !== QUEUES.events));
  }

  /** What is going to happen today, from outside. */
  private plan(): void {
    const { dice } = this;
    const some = () => dice.between(0, 23);
    for (const [index, link] of this.links.entries()) {
      if (index % BUSY_ONE_IN === 0) for (let hour = 0; hour < 24; hour += 1) this.later(hour, () => this.send(link));
      else if (dice.chance(CHANCES.sends)) this.later(some(), () => this.send(link));
      if (dice.chance(CHANCES.relinked)) this.later(some(), () => this.relink(link));
      if (dice.chance(CHANCES.revoked)) this.later(some(), () => this.revoke(link));
      if (dice.chance(CHANCES.accountDisabled)) this.later(some(), () => this.disable(link));
    }
    for (const customer of this.customers) {
      if (dice.chance(CHANCES.applicationDisabled)) this.later(some(), () => this.disableApplication(customer));
      this.watchSecret(customer);
    }
    if (!this.outage && dice.chance(CHANCES.outage)) this.later(some(), () => this.beginOutage());
  }

  private revoke(link: Link): void {
    this.fake.identity.revoke(link.account);
    link.granted = false;
    this.later(this.dice.between(24, 100), () => this.relink(link));
  }

  private disable(link: Link): void {
    this.fake.identity.disabled.add(link.account);
    link.enabled = false;
    this.later(this.dice.between(5, 90), () => {
      this.fake.identity.disabled.delete(link.account);
      link.enabled = true;
    });
  }

  private disableApplication(customer: Customer): void {
    const application = this.fake.identity.applications.get(customer.clientId);
    if (!application) return;
    application.enabled = false;
    customer.enabled = false;
    this.later(this.dice.between(5, 90), () => {
      application.enabled = true;
      customer.enabled = true;
    });
  }

  /** Some rotate in time, some when it is too late. */
  private watchSecret(customer: Customer): void {
    const daysLeft = (customer.expiresAt - this.now) / DAY;
    const rotate = daysLeft < -3 || (daysLeft < 7 && this.dice.chance(0.15));
    if (rotate && customer.enabled) this.later(this.dice.between(0, 20), () => this.rotate(customer));
  }

  /** With a new secret, one mailbox is linked again; the others live on it. */
  private async rotate(customer: Customer): Promise<void> {
    const link = this.links.find((each) => each.customer === customer && each.owned && each.enabled);
    if (!link || this.outage || !customer.enabled) return;
    const before = { secret: customer.secret, expiresAt: customer.expiresAt };
    this.newSecret(customer);
    if (!(await this.signIn(link))) Object.assign(customer, before);
  }

  private async relink(link: Link): Promise<void> {
    if (!link.enabled || this.outage || (link.owned && !link.customer.works(this.now))) {
      if (!link.granted) this.later(10, () => this.relink(link));
      return;
    }
    const { dice, fake, options } = this;
    if (!options.strict && dice.chance(CHANCES.linkKilled)) {
      await killedAt(fake, dice.between(1, 20), dice.pick(['before', 'after']), () => this.attempt(link));
      link.kills.push({ from: this.now, to: this.now });
    }
    if (!(await this.signIn(link)) && !link.granted) this.later(10, () => this.relink(link));
  }

  /** A link that dies somewhere; the person tries again. Throws what kills it. */
  private async attempt(link: Link): Promise<void> {
    const { fake } = this;
    fake.identity.claims = { oid: link.account, preferred_username: `${link.account}@acme.example` };
    fake.app = fake.compose();
    await fake.link(this.request(link));
  }

  private async send(link: Link): Promise<void> {
    const app = this.instance();
    const { customerId } = link.customer;
    const connection = await app.mail.connections.get(customerId, link.connectionId);
    if (!connection || connection.status === 'removing') return;
    this.mails += 1;
    const mail = {
      mailId: `mail-${this.mails}`,
      to: [{ address: 'ada@example.com' }],
      subject: 'x',
      body: { contentType: 'text' as const, content: 'x' },
    };
    await submitMail(app.mail, connection, mail, this.fake.invocation());
  }

  private beginOutage(): void {
    const what = this.dice.pick(['identity', 'vault'] as const);
    const hours = this.dice.chance(0.2) ? this.dice.between(24, 72) : this.dice.between(1, 8);
    this.outage = { what, from: this.now, until: this.now + hours * HOUR };
    const part = what === 'identity' ? this.fake.identity : this.fake.secrets;
    part.down = true;
    this.later(hours, () => {
      part.down = false;
      this.troubles.add(this.outage?.from ?? this.now, this.now);
      this.outage = undefined;
    });
  }

  /** An execution may die at any of its writes, with all that its instance remembers. */
  private async execute(action: () => Promise<void>, what: string, message: string): Promise<void> {
    const { dice, fake, options } = this;
    if (options.strict || what !== 'check' || !dice.chance(CHANCES.killed)) return action();
    const finished = await killedAt(fake, dice.between(1, 15), dice.pick(['before', 'after']), action);
    if (finished) return;
    for (const link of this.concerned(message)) link.kills.push({ from: this.now, to: this.now + 2 * HOUR });
    for (let n = 0; n < this.instances.length; n += 1) this.instances[n] = fake.compose();
    throw new Error(`killed: ${message}`);
  }

  /** The connections that a check is about: one, or all that live on an application. */
  private concerned(message: string): readonly Link[] {
    const { connectionId, clientId } = JSON.parse(message) as { connectionId?: string; clientId?: string };
    return this.links.filter(
      (link) => link.connectionId === connectionId || (link.owned && link.customer.clientId === clientId),
    );
  }

  /** What the product says, held against the truth. Seen once an hour, judged once a day. */
  private async observe(isJudged: boolean): Promise<void> {
    for (const link of this.links) {
      const says = await this.said(link);
      const open = this.outage ? [{ from: this.outage.from, to: this.now }] : [];
      const troubles = this.troubles.with([...open, ...link.kills]);
      const verdict = judge(link, says, this.now, troubles);
      if (verdict === 'right' && !link.noticed) {
        link.noticed = true;
        const hours = (this.now - link.since) / HOUR - troubles.hours(link.since, this.now);
        if (!link.alive(this.now)) this.counts.latest = Math.max(this.counts.latest, Math.ceil(hours));
      }
      if (isJudged && (verdict === 'wronglyDead' || verdict === 'wronglyAlive')) this.counts[verdict] += 1;
    }
  }

  private async said({ connectionId, customer }: Link): Promise<Said> {
    const { row } = await this.fake.connections.get(customer.customerId, connectionId);
    const lane = await this.fake.mails.get(connectionId, '0');
    return { status: row ? text(row, 'status') : 'gone', gate: lane.row ? text(lane.row, 'gate') : 'gone' };
  }

  result(): LifeResult {
    const { wronglyDead, wronglyAlive, latest } = this.counts;
    return {
      days: this.options.days,
      connections: this.links.length,
      wronglyDead,
      wronglyAlive,
      latestDetectionHours: latest,
      maxVersions: this.fake.secrets.maxVersions,
    };
  }
}

/** A GUID that depends on nothing but its name. */
function guid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
