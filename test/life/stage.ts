import { createHash } from 'node:crypto';
import type { App } from '../../shared/compose.ts';
import type { StartLinkRequest } from '../../shared/linking/requests.ts';
import { text } from '../../shared/storage/table.ts';
import { FakeHost } from '../fakes/host.ts';
import { ACME_TENANT } from '../fakes/microsoft.ts';
import { Dice } from '../model/dice.ts';
import { killedAt } from '../shared/linking/crash.ts';
import { Findings } from './findings.ts';
import type { Mutation } from './mutations.ts';
import { Rounds } from './rounds.ts';
import { Customer, Link, Troubles } from './truth.ts';
import { LifeApp } from './world.ts';

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export interface StageOptions {
  readonly seed: number;
  readonly connections: number;
  /** Old tokens die with their use: every one is stored, and one process refreshes at a time. */
  readonly strict?: boolean;
  readonly mutation?: Mutation;
}

const CHANCES = { killed: 0.05, newInstance: 0.02 } as const;
const INSTANCES = 3;

/** Who is there: customers, their links, the product's instances, and time. */
export class Stage {
  protected readonly options: StageOptions;
  protected readonly dice: Dice;
  protected readonly fake: LifeApp;
  protected readonly host: FakeHost;
  protected readonly troubles = new Troubles();
  protected readonly findings = new Findings();
  protected readonly rounds = new Rounds(this.findings);
  protected readonly links: Link[] = [];
  protected readonly customers: Customer[] = [];
  /** Every connection that ever was. */
  protected readonly linkOf = new Map<string, Link>();
  private readonly instances: App[] = [];
  private oneAloneUntil = 0;
  private todo: { readonly at: number; readonly run: () => Promise<void> | void }[] = [];

  constructor(options: StageOptions) {
    this.options = options;
    this.dice = new Dice(options.seed);
    const settings = { MAIL_PER_MINUTE: '0', REFRESH_TOKEN_WRITE_AFTER_DAYS: options.strict ? '0' : '30' };
    this.fake = new LifeApp(settings, options.mutation);
    this.fake.identity.strict = options.strict === true;
    const { connections, applications, links } = this.fake;
    const { findings } = this;
    this.fake.secrets.books = { now: () => this.now, connections, applications, links, findings };
    for (let n = 0; n < INSTANCES; n += 1) this.instances.push(this.fake.compose());
    this.host = new FakeHost(this.fake, () => this.instance());
    this.host.execute = (action, what, message) => this.execute(action, what, message);
  }

  get now(): number {
    return this.fake.clock.now().getTime();
  }

  protected instance(): App {
    const { dice, instances } = this;
    if (this.now < this.oneAloneUntil) return instances[0] as App;
    const index = dice.between(0, instances.length - 1);
    if (dice.chance(CHANCES.newInstance)) instances[index] = this.fake.compose();
    return instances[index] as App;
  }

  protected setVaultDown(down: boolean): void {
    this.fake.secrets.down = down;
    if (!this.options.strict) return;
    // Where old tokens die with their use, what the vault did not take is in one process alone: that one goes on, until
    // each link was looked at again.
    this.oneAloneUntil = down ? Number.POSITIVE_INFINITY : this.now + 1.5 * DAY;
  }

  /** Links all mailboxes: ten to a customer, half of them through its own application. */
  async begin(): Promise<void> {
    for (let n = 0; n < this.options.connections; n += 1) {
      if (n % 10 === 0) this.customers.push(this.newCustomer(n / 10));
      const customer = this.customers.at(-1) as Customer;
      const link = new Link(guid(`account ${n}`), customer, n % 10 >= 5);
      this.links.push(link);
      await this.signIn(link);
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
  protected newSecret(customer: Customer): void {
    customer.secret += 1;
    const until = this.now + this.dice.between(40, 200) * DAY;
    // The form takes a date.
    customer.expiresAt = Date.parse(new Date(until).toISOString().slice(0, 10));
    customer.secretSince = this.now;
    this.fake.identity.applications.get(customer.clientId)?.secrets.set(customer.secretValue, customer.expiresAt);
  }

  protected request({ customer, owned }: Link): Partial<StartLinkRequest> {
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
  protected async signIn(link: Link): Promise<boolean> {
    const { fake } = this;
    fake.identity.claims = { oid: link.account, preferred_username: `${link.account}@acme.example` };
    fake.app = this.instance();
    try {
      const { connection } = await fake.link(this.request(link));
      if (connection.connectionId !== link.connectionId) link.addresses.push({ address: '', at: this.now });
      link.connectionId = connection.connectionId;
      this.linkOf.set(link.connectionId, link);
      link.lost = '';
      link.gone = false;
      await this.introduce(link);
      this.changed();
      return true;
    } catch {
      return false;
    }
  }

  /** What is to be known of a connection from its beginning. */
  private async introduce(link: Link): Promise<void> {
    const { row } = await this.fake.connections.get(link.customer.customerId, link.connectionId);
    if (!row) return;
    this.rounds.begin(link.connectionId, Date.parse(text(row, 'nextCheckAt')));
    link.hold(row.properties['paused'] === true, this.now);
  }

  protected changed(): void {
    for (const customer of this.customers) customer.history.update(this.now, customer.causes(this.now));
    for (const link of this.links) link.update(this.now);
  }

  /** Something happens after so many hours, or parts of one. */
  protected later(hours: number, run: () => Promise<void> | void): void {
    this.todo.push({ at: this.now + Math.round(hours * 60) * MINUTE, run });
  }

  /** Time passes, with everything that happens in it. */
  protected async pass(milliseconds: number): Promise<void> {
    const until = this.now + milliseconds;
    for (;;) {
      const next = this.todo.reduce<number>((first, { at }) => Math.min(first, at), until);
      await this.host.pass(Math.max(0, next - this.now));
      this.changed();
      const due = this.todo.filter(({ at }) => at <= this.now);
      if (due.length === 0) return;
      this.todo = this.todo.filter((each) => !due.includes(each));
      for (const { run } of due) {
        await run();
        this.changed();
      }
    }
  }

  /** An execution may die at any of its writes, with all that its instance remembers. */
  private async execute(action: () => Promise<void>, what: string, message: string): Promise<void> {
    const { dice, fake } = this;
    if (what !== 'check' || !dice.chance(CHANCES.killed)) return action();
    const finished = await killedAt(fake, dice.between(1, 15), dice.pick(['before', 'after']), action);
    if (finished) return;
    this.killed(this.concerned(message), 2);
    throw new Error(`killed: ${message}`);
  }

  /** All processes died, and with them what they remember. */
  protected killed(links: readonly Link[], hours: number): void {
    for (const link of links) link.kills.push({ from: this.now, to: this.now + hours * HOUR });
    for (let n = 0; n < this.instances.length; n += 1) this.instances[n] = this.fake.compose();
    if (this.options.strict) this.losses();
  }

  /** Where old tokens die with their use, a token that nobody stored is lost with the process that had it. */
  private losses(): void {
    const stored = new Set([...this.fake.secrets.kept.values()].map(({ value }) => value));
    for (const link of this.links) {
      const newest = this.fake.identity.newest(link.account);
      if (link.lost === '' && newest !== undefined && !stored.has(newest)) this.lose(link);
    }
  }

  protected lose(link: Link): void {
    link.lost = 'sign_in_again';
  }

  /** The connections that a check is about: one, or all that live on an application, or that a customer has. */
  private concerned(message: string): readonly Link[] {
    const { connectionId, clientId, kind, customerId } = JSON.parse(message) as Record<string, string | undefined>;
    return this.links.filter(
      ({ customer, owned, ...link }) =>
        link.connectionId === connectionId ||
        (owned && customer.clientId === clientId) ||
        (kind === 'removal' && customer.customerId === customerId),
    );
  }
}

/** A GUID that depends on nothing but its name. */
function guid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
