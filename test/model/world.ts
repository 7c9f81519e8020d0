import type { Adapters } from '../../shared/azure/adapters.ts';
import type { Clock } from '../../shared/clock.ts';
import { type App, compose } from '../../shared/compose.ts';
import { type Config, loadConfig } from '../../shared/config.ts';
import { runCheck, scan } from '../../shared/connections/checks.ts';
import { AppError } from '../../shared/errors.ts';
import type { Invocation, Log } from '../../shared/log.ts';
import { acceptMessage } from '../../shared/mail/accept-message.ts';
import { acceptPoisonMail, acceptPoisonTicket } from '../../shared/mail/accept-poison.ts';
import { acceptTicket } from '../../shared/mail/accept-ticket.ts';
import type { Delivery } from '../../shared/mail/work-lane.ts';
import { StoreUnavailable } from '../../shared/storage/ports.ts';
import { QUEUES } from '../../shared/storage-names.ts';
import { SERVICE_PROVIDER_CLIENT_ID, TEST_SETTINGS } from '../fakes/app.ts';
import { ACME_TENANT } from '../fakes/microsoft.ts';
import { FakeBlobs } from '../fakes/stores.ts';
import { FakeTable } from '../fakes/table.ts';
import { Dice } from './dice.ts';
import { Host } from './host.ts';
import type { Mutation } from './mutations.ts';
import { type CallFaults, Process } from './process.ts';
import type { Scenario } from './scenario.ts';
import { Scheduler } from './scheduler.ts';
import { SimulatedMicrosoft } from './simulated-microsoft.ts';
import { type Message, SimulatedQueues } from './simulated-queues.ts';
import { BlobsOfProcess, QueuesOfProcess, SimulatedSecrets, SimulatedTable } from './simulated-stores.ts';
import { Watch } from './watch.ts';

export const CUSTOMER = 'acme';
const START = Date.parse('2026-11-23T08:00:00.000Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NO_FAULTS: CallFaults = { fails: 0, lost: 0 };
/** A run that does not come to rest within so many steps goes round in circles. */
const MAXIMUM_STEPS = 400_000;

type Pool = 'senders' | 'workers' | 'http';

/** Storage, Microsoft, and the processes that run the real code between them. */
export class World {
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly microsoft: SimulatedMicrosoft;
  readonly queues = new SimulatedQueues();
  readonly host: Host;
  readonly watch: Watch;
  readonly mails: FakeTable;
  readonly connections: FakeTable;
  readonly blobs = new FakeBlobs();
  /** Mails whose queue messages fail at each delivery. */
  readonly cursed = new Set<string>();
  private readonly cursedTickets = new Map<string, boolean>();
  readonly scenario: Scenario;
  readonly connectionIds: readonly string[];
  readonly config: Config;
  kills = 0;
  freezes = 0;
  poisoned = 0;
  /** Runs of the daily or hourly check that found mail nobody else would have come for. */
  restless = false;
  private readonly mutation: Mutation;
  private readonly pools: Record<Pool, Process[]> = { senders: [], workers: [], http: [] };
  private readonly apps = new Map<Process, App>();
  private readonly links: FakeTable;
  private readonly applications: FakeTable;
  private readonly badMinutes = new Map<number, boolean>();
  private processes = 0;
  private invocations = 0;

  constructor(seed: number, scenario: Scenario, mutation: Mutation = {}) {
    this.scenario = scenario;
    this.mutation = mutation;
    this.dice = new Dice(seed);
    this.scheduler = new Scheduler(this.dice, START);
    const now = () => new Date(this.scheduler.now);
    this.mails = new FakeTable(now);
    this.connections = new FakeTable(now);
    this.links = new FakeTable(now);
    this.applications = new FakeTable(now);
    this.config = loadConfig({
      ...TEST_SETTINGS,
      MAIL_PER_MINUTE: String(scenario.perMinute),
      MAIL_ACCEPTED_EVENTS: String(scenario.acceptedEvents),
    });
    this.connectionIds = Array.from({ length: scenario.lanes }, (_, lane) => `con_${String(lane).padStart(32, '0')}`);
    const kind = { fates: { accepted: 1 }, slow: 0, longestMs: 0 };
    this.microsoft = new SimulatedMicrosoft(
      this.scheduler,
      this.dice,
      () => (this.calm ? kind : scenario.graph),
      () => !this.calm && this.isBadMinute(),
    );
    this.watch = new Watch(this.scheduler, this.microsoft);
    this.host = this.makeHost();
    this.scheduler.befall = (owner) => this.befall(owner as Process);
    for (let index = 0; index < scenario.senders; index += 1) this.spawn('senders');
    for (let index = 0; index < scenario.workers; index += 1) this.spawn('workers');
    this.spawn('http');
  }

  /** Faults are over. */
  get calm(): boolean {
    return this.scheduler.now > START + this.scenario.faultsForMs;
  }

  get elapsed(): number {
    return this.scheduler.now - START;
  }

  get requests(): number {
    return this.mails.requests + this.connections.requests;
  }

  async open(): Promise<void> {
    for (const connectionId of this.connectionIds) {
      const at = new Date(START).toISOString();
      const connection = {
        customerId: CUSTOMER,
        connectionId,
        displayName: connectionId,
        status: 'connected',
        reason: '',
        paused: false,
        signInName: 'hr@acme.example',
        tenantId: ACME_TENANT,
        objectId: connectionId,
        kind: 'serviceProvider',
        clientId: SERVICE_PROVIDER_CLIENT_ID,
        vault: 'vault.example',
        secretName: `refresh-token-${connectionId}`,
        previousSecretName: '',
        previousRetiredAt: '',
        credentialVersion: 1,
        refreshTokenStoredAt: at,
        linkedAt: at,
        // Ahead, so that no refresh writes it and no daily check comes: the model asks what works without them.
        lastProvenAt: new Date(START + 9_000 * HOUR).toISOString(),
        nextCheckAt: new Date(START + 9_000 * HOUR).toISOString(),
        onUncertain: 'hold',
        alertAddress: '',
        linkId: '',
        wakeAt: '',
      };
      const { customerId: _, connectionId: rowKey, ...properties } = connection;
      await this.connections.write(CUSTOMER, [
        { kind: 'insert', rowKey, properties: { v: 1, ...properties } },
        {
          kind: 'insert',
          rowKey: `m|${SERVICE_PROVIDER_CLIENT_ID}|${ACME_TENANT}|${connectionId}`,
          properties: { v: 1, connectionId },
        },
      ]);
      const lane = {
        v: 1,
        customerId: CUSTOMER,
        epoch: 0,
        owner: '',
        gate: 'open',
        dirty: false,
        credentialVersion: 1,
      };
      await this.mails.write(connectionId, [{ kind: 'insert', rowKey: '0', properties: lane }]);
      this.watch.wrote(connectionId, [{ kind: 'insert', rowKey: '0', properties: lane }]);
    }
    await this.connections.write('_', [{ kind: 'insert', rowKey: 'stop', properties: { on: false } }]);
    this.mails.requests = 0;
    this.connections.requests = 0;
  }

  /** Lets everything happen that is going to happen. */
  async rest(): Promise<void> {
    if (!(await this.scheduler.rest(MAXIMUM_STEPS))) this.restless = true;
  }

  /** Something that happens in the world outside, after so long. */
  later(milliseconds: number, happen: () => void): void {
    this.scheduler.after(milliseconds, happen);
  }

  /**
   * A request to an HTTP endpoint, by a caller who repeats it until it is answered.
   * @param done told once, with the refusal if there was one
   */
  request(
    action: (app: App, invocation: Invocation) => Promise<unknown>,
    done: (refusal?: AppError) => void = () => {},
  ) {
    const process = this.pools.http.find(({ alive }) => alive) ?? this.spawn('http');
    let over = false;
    const end = (then: () => void) => {
      if (over) return;
      over = true;
      then();
    };
    const again = () => end(() => this.later(this.dice.between(1_000, 30_000), () => this.request(action, done)));
    process.after(0, () => {
      action(this.appOf(process), this.invocation()).then(
        () => end(done),
        (error: unknown) => {
          if (error instanceof AppError) return end(() => done(error));
          if (!(error instanceof StoreUnavailable)) this.host.surprises.push(error);
          again();
        },
      );
    });
    this.later(5 * MINUTE, again);
  }

  /** The hourly scan, as its timer starts it. */
  scan(): void {
    this.request((app, invocation) => scan(app.checks, invocation));
  }

  invocation(): Invocation {
    this.invocations += 1;
    const nothing = () => {};
    const failure: Log['failure'] = (name, error) => {
      if (!(error instanceof StoreUnavailable)) this.host.surprises.push(`${name}: ${String(error)}`);
    };
    const log: Log = { event: nothing, warning: nothing, failure };
    return { id: `invocation-${this.invocations}`, correlationId: '', log };
  }

  private makeHost(): Host {
    const queue = (pool: Pool, handle: (app: App, message: Message, dequeueCount: number) => Promise<void>) => ({
      processes: () => this.pools[pool],
      handle: (process: Process, message: Message, dequeueCount: number) =>
        handle(this.appOf(process), message, dequeueCount),
      poisoned: (message: Message) => {
        this.poisoned += 1;
        this.queues.put(`${message.queue}-poison`, message.text);
      },
    });
    const poison = (handle: (app: App, message: Message) => Promise<void>) => queue('workers', handle);
    const readers = new Map([
      [
        QUEUES.mail,
        queue('senders', async (app, message, dequeueCount) => {
          const body = JSON.parse(message.text) as { mailId: string };
          const cursed = this.cursed.has(body.mailId);
          if (cursed && this.dice.chance(0.5)) throw new StoreUnavailable('a curse');
          await acceptMessage(app.mail, { messageId: message.id, body }, this.delivery(message, dequeueCount, false));
          if (cursed) throw new StoreUnavailable('a curse');
        }),
      ],
      [
        QUEUES.lanes,
        queue('workers', async (app, message, dequeueCount) => {
          if (this.isCursedTicket(message)) throw new StoreUnavailable('a curse');
          await acceptTicket(app.mail, JSON.parse(message.text), this.delivery(message, dequeueCount, true));
        }),
      ],
      [
        QUEUES.checks,
        queue('workers', (app, message) => runCheck(app.checks, JSON.parse(message.text), this.invocation())),
      ],
      [
        `${QUEUES.mail}-poison`,
        poison((app, message) =>
          acceptPoisonMail(app.mail, { messageId: message.id, body: message.text }, this.invocation()),
        ),
      ],
      [
        `${QUEUES.lanes}-poison`,
        poison((app, message) => acceptPoisonTicket(app.mail, message.text, this.invocation())),
      ],
    ]);
    const host = new Host(this.scheduler, this.dice, this.queues, readers);
    host.deleteLost = () => !this.calm && this.dice.chance(this.scenario.deleteLost);
    host.expected = (error) => error instanceof StoreUnavailable;
    host.timedOut = (process) => this.kill(process);
    return host;
  }

  private delivery(message: Message, dequeueCount: number, isTicket: boolean): Delivery {
    const invocation = this.invocation();
    const owner = `${message.id}.${dequeueCount}.${invocation.id}`;
    const delivery = { invocation, owner, redelivered: dequeueCount > 1, isTicket };
    return this.mutation.delivery?.(delivery) ?? delivery;
  }

  private spawn(pool: Pool): Process {
    const { scenario, scheduler, dice } = this;
    this.processes += 1;
    const calmSpeed = { ...scenario.speed, verySlow: 0 };
    const skew = dice.between(-scenario.skewMs, scenario.skewMs);
    const process = new Process(`${pool}-${this.processes}`, scheduler, dice, skew, () =>
      this.calm ? calmSpeed : scenario.speed,
    );
    this.pools[pool].push(process);
    return process;
  }

  private appOf(process: Process): App {
    const known = this.apps.get(process);
    if (known) return known;
    const clock: Clock = this.mutation.clock?.(process) ?? process;
    const app = compose(this.config, this.adapters(process), clock);
    const random = () => this.dice.next();
    const made = { ...app, mail: { ...app.mail, random }, connections: { ...app.connections, random } };
    this.apps.set(process, made);
    return made;
  }

  private adapters(process: Process): Adapters {
    const table = () => (this.calm ? NO_FAULTS : this.scenario.table);
    const queue = () => (this.calm ? NO_FAULTS : this.scenario.queue);
    const simulated = (of: FakeTable) => new SimulatedTable(of, process, table);
    const adapters: Adapters = {
      tables: {
        links: simulated(this.links),
        connections: simulated(this.connections),
        applications: simulated(this.applications),
        mails: new SimulatedTable(this.mails, process, table, (key, operations) => this.watch.wrote(key, operations)),
      },
      queues: new QueuesOfProcess(this.queues, process, queue),
      blobs: new BlobsOfProcess(this.blobs, process, table),
      secrets: new SimulatedSecrets(process, () => ({ fails: table().fails, lost: 0 })),
      identity: this.microsoft.identityOf(process),
      graph: this.microsoft.graphOf(process),
      hosts: { reach: async () => {} },
    };
    return this.mutation.adapters?.(adapters) ?? adapters;
  }

  private befall(process: Process): void {
    if (this.calm) return;
    if (this.kills < this.scenario.maximumKills && this.dice.chance(this.scenario.kill)) this.kill(process);
    else if (process.frozenUntil <= this.scheduler.now && this.dice.chance(this.scenario.freeze)) {
      const milliseconds = this.dice.chance(0.1) ? this.dice.between(0, 15 * MINUTE) : this.dice.between(0, 4 * MINUTE);
      process.frozenUntil = this.scheduler.now + milliseconds;
      this.freezes += 1;
      this.host.froze(process, milliseconds);
    }
  }

  private kill(process: Process): void {
    if (!process.alive) return;
    process.alive = false;
    this.kills += 1;
    this.apps.delete(process);
    this.host.died(process);
    for (const [pool, members] of Object.entries(this.pools) as [Pool, Process[]][]) {
      const at = members.indexOf(process);
      if (at < 0) continue;
      members.splice(at, 1);
      this.later(this.dice.between(0, 10_000), () => this.spawn(pool));
    }
  }

  private isCursedTicket({ id }: Message): boolean {
    const known = this.cursedTickets.get(id);
    if (known !== undefined) return known;
    const cursed = !this.calm && this.dice.chance(this.scenario.cursedTickets);
    this.cursedTickets.set(id, cursed);
    return cursed;
  }

  private isBadMinute(): boolean {
    const minute = Math.floor(this.elapsed / MINUTE);
    const known = this.badMinutes.get(minute);
    if (known !== undefined) return known;
    const bad = this.dice.chance(this.scenario.tokensFail);
    this.badMinutes.set(minute, bad);
    return bad;
  }
}
