import { patchConnection, pauseConnection, resumeConnection } from '../../shared/connections/change-connection.ts';
import { unlinkConnection } from '../../shared/connections/unlink.ts';
import { getRemoval, removeCustomer } from '../../shared/customers/remove-customer.ts';
import { submitMail } from '../../shared/mail/submit-mail.ts';
import { killedAt } from '../shared/linking/crash.ts';
import { DAY, HOUR, Stage } from './stage.ts';
import type { Customer, Link } from './truth.ts';

/** What happens in a day, per connection or per customer. */
const CHANCES = {
  revoked: 0.004,
  accountDisabled: 0.008,
  relinked: 0.01,
  sends: 0.2,
  paused: 0.01,
  addressed: 0.01,
  unlinked: 0.003,
  applicationDisabled: 0.006,
  customerLeaves: 0.003,
  outage: 0.06,
  linkKilled: 0.2,
  unlinkKilled: 0.5,
} as const;

/** One mailbox in so many sends every hour; the others are idle on most days. */
const BUSY_ONE_IN = 20;

/** What happens to links from outside. */
export class Happenings extends Stage {
  protected outage: { readonly what: 'identity' | 'vault' | 'robomq'; readonly from: number } | undefined;
  /** Ids of connections that somebody unlinked. */
  protected readonly unlinked = new Set<string>();
  private mails = 0;

  /** What is going to happen today. */
  protected plan(): void {
    const { dice } = this;
    const some = () => dice.between(0, 24 * 60 - 1) / 60;
    const maybe = (chance: number, run: () => Promise<void> | void) => {
      if (dice.chance(chance)) this.later(some(), run);
    };
    for (const [index, link] of this.links.entries()) {
      if (index % BUSY_ONE_IN === 0)
        for (let hour = 0; hour < 24; hour += 1) this.later(hour + dice.next(), () => this.send(link));
      else maybe(CHANCES.sends, () => this.send(link));
      maybe(CHANCES.relinked, () => this.relink(link));
      maybe(CHANCES.revoked, () => this.revoke(link));
      maybe(CHANCES.accountDisabled, () => this.disable(link));
      maybe(CHANCES.paused, () => this.pause(link));
      maybe(CHANCES.addressed, () => this.address(link));
      maybe(CHANCES.unlinked, () => this.unlink(link));
    }
    for (const customer of this.customers) {
      maybe(CHANCES.applicationDisabled, () => this.disableApplication(customer));
      maybe(CHANCES.customerLeaves, () => this.remove(customer));
      this.watchSecret(customer);
    }
    maybe(CHANCES.outage, () => this.beginOutage());
  }

  private revoke(link: Link): void {
    if (link.gone) return;
    this.fake.identity.revoke(link.account);
    link.lost = 'access_revoked';
    this.later(this.dice.between(24, 100), () => this.relink(link));
  }

  protected override lose(link: Link): void {
    super.lose(link);
    this.later(this.dice.between(24, 100), () => this.relink(link));
  }

  private disable(link: Link): void {
    if (!link.enabled) return;
    this.fake.identity.disabled.add(link.account);
    link.enabled = false;
    this.later(this.dice.between(5, 90), () => {
      this.fake.identity.disabled.delete(link.account);
      link.enabled = true;
    });
  }

  private disableApplication(customer: Customer): void {
    const application = this.fake.identity.applications.get(customer.clientId);
    if (!application?.enabled) return;
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
    if (this.outage || !customer.enabled || (await this.isLeaving(customer))) return;
    const owned = this.links.filter((each) => each.customer === customer && each.owned && each.enabled);
    const link = owned.find(({ gone }) => !gone) ?? owned[0];
    if (!link) return;
    const { secret, expiresAt, secretSince } = customer;
    this.newSecret(customer);
    if (!(await this.signIn(link))) Object.assign(customer, { secret, expiresAt, secretSince });
  }

  /** Whoever unlinked does not link again by chance, but when it is time. */
  private async relink(link: Link): Promise<void> {
    if (!link.gone) await this.link(link);
  }

  private async link(link: Link): Promise<void> {
    const again = () => this.later(10, () => this.link(link));
    const { customer } = link;
    const cannot = !link.enabled || this.outage || (link.owned && !customer.works(this.now));
    if (cannot || (await this.isLeaving(customer))) {
      if (link.lost || link.gone) again();
      return;
    }
    const { dice, fake, options } = this;
    // Where old tokens die with their use, it does not matter here: a sign-in makes new ones.
    if (!options.strict && dice.chance(CHANCES.linkKilled)) {
      await killedAt(fake, dice.between(1, 20), dice.pick(['before', 'after']), () => this.attempt(link));
      link.kills.push({ from: this.now, to: this.now });
      fake.clock.advance(1000);
    }
    if (!(await this.signIn(link)) && (link.lost || link.gone)) again();
  }

  /** A link that dies somewhere; the person tries again. Throws what kills it. */
  private async attempt(link: Link): Promise<void> {
    const { fake } = this;
    fake.identity.claims = { oid: link.account, preferred_username: `${link.account}@acme.example` };
    fake.app = fake.compose();
    await fake.link(this.request(link));
  }

  /** A request that may be refused, because the product does not know yet or knows already. @returns whether it worked */
  private async asked(request: () => Promise<unknown>): Promise<boolean> {
    try {
      await request();
      return true;
    } catch {
      return false;
    }
  }

  private async pause(link: Link): Promise<void> {
    const { customerId } = link.customer;
    const call = (what: typeof pauseConnection) =>
      this.asked(() => what(this.instance().connections, customerId, link.connectionId, this.fake.invocation()));
    if (link.gone || link.paused || !(await call(pauseConnection))) return;
    link.hold(true, this.now);
    const resume = async () => {
      if (link.gone || !link.paused) return;
      if (!(await call(resumeConnection))) {
        this.later(10, resume);
        return;
      }
      link.hold(false, this.now);
    };
    this.later(this.dice.between(5, 60), resume);
  }

  /** Somebody says whom to tell. */
  private async address(link: Link): Promise<void> {
    const alertAddress = this.dice.pick(['', 'it@acme.example', 'hr-team@acme.example']);
    const { connections } = this.instance();
    const patch = () => patchConnection(connections, link.customer.customerId, link.connectionId, { alertAddress });
    if (!link.gone && (await this.asked(patch))) link.addresses.push({ address: alertAddress, at: this.now });
  }

  private async unlink(link: Link): Promise<void> {
    if (link.gone) return;
    const { dice, fake } = this;
    const { connectionId, customer } = link;
    const unlink = () =>
      unlinkConnection(fake.compose().connections, customer.customerId, connectionId, fake.invocation());
    this.unlinked.add(connectionId);
    link.gone = true;
    if (dice.chance(CHANCES.unlinkKilled)) {
      const [n, when] = [dice.between(1, 12), dice.pick(['before', 'after'] as const)];
      await this.asked(() => killedAt(fake, n, when, unlink));
      this.killed([link], 2);
      // The person gave up in the middle, or tries again: what was begun comes to its end by itself.
      if (!(await this.isBegun(link))) await this.asked(unlink);
    } else await this.asked(unlink);
    this.later(dice.between(24, 120), () => this.link(link));
  }

  private async isBegun({ connectionId }: Link): Promise<boolean> {
    return (await this.fake.app.linking.lanes.get(connectionId)).lane?.gate === 'removed';
  }

  /** A customer leaves, and comes back after some days. */
  private async remove(customer: Customer): Promise<void> {
    if (await this.isLeaving(customer)) return;
    customer.leavingSince = this.now;
    await removeCustomer(this.instance().checks, customer.customerId, this.fake.invocation());
    for (const link of this.links.filter((each) => each.customer === customer)) {
      const isLinked = !link.gone;
      if (isLinked) this.unlinked.add(link.connectionId);
      link.gone = true;
      if (isLinked) this.later(this.dice.between(48, 120), () => this.link(link));
    }
  }

  /** Until the removal has ended nobody can link; whoever comes too early comes again. */
  private async isLeaving(customer: Customer): Promise<boolean> {
    if (customer.leavingSince === 0) return false;
    const { state } = await getRemoval(this.fake.app.checks, customer.customerId);
    if (state === 'removed') customer.leavingSince = 0;
    return state !== 'removed';
  }

  private async send(link: Link): Promise<void> {
    const app = this.instance();
    const connection = await app.mail.connections.get(link.customer.customerId, link.connectionId);
    if (!connection || connection.status === 'removing') return;
    this.mails += 1;
    const mail = {
      mailId: `mail-${this.mails}`,
      to: [{ address: 'ada@example.com' }],
      subject: 'x',
      body: { contentType: 'text' as const, content: 'x' },
    };
    await this.asked(() => submitMail(app.mail, connection, mail, this.fake.invocation()));
  }

  private beginOutage(): void {
    if (this.outage) return;
    const { identity } = this.fake;
    const what = this.dice.pick(['identity', 'vault', 'robomq'] as const);
    const hours = this.dice.chance(0.2) ? this.dice.between(24, 72) : this.dice.between(1, 8);
    const set = (down: boolean) => {
      if (what === 'identity') identity.down = down;
      else if (what === 'vault') this.setVaultDown(down);
      else identity.refusesRobomq = down;
    };
    const from = this.now;
    this.outage = { what, from };
    set(true);
    this.later(hours, () => {
      set(false);
      this.troubles.add(from, this.now);
      this.outage = undefined;
    });
  }

  /** Troubles of everybody, with those that are not over. */
  protected get allTroubles() {
    return this.troubles.with(this.outage ? [{ from: this.outage.from, to: this.now + HOUR }] : []);
  }
}
