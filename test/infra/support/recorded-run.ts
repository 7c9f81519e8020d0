import { BlobServiceClient } from '@azure/storage-blob';
import { QueueClient } from '@azure/storage-queue';
import type { Fault } from '../../../sandbox/kit/journal.ts';
import { CONTAINERS, POISON_QUEUES, QUEUES } from '../../../shared/storage-names.ts';
import { type Flow, startFlow } from '../../flow/support/flow.ts';
import { comeBack, linkMailbox, proof, signIn, startLink } from '../../flow/support/link.ts';
import { CUSTOMER, connectionPath } from '../../flow/support/mails.ts';
import { mail, message } from '../../flow/support/messages.ts';
import { QUICK } from '../../flow/support/quick.ts';
import { until } from '../../flow/support/until.ts';
import { OUTSIDER, watchStorage } from './watch-storage.ts';

/** One line of our telemetry: its event and fields, and the level at which it was written. */
export type Telemetry = Readonly<Record<string, unknown>> & { readonly event: string };

export interface RecordedRun {
  readonly telemetry: readonly Telemetry[];
  /** Lines that were written as errors: `severityLevel` 3 in Application Insights. */
  readonly errors: readonly Telemetry[];
  /** What the app and its host did to storage and vault: `queues/outlook-mail: Put Message`. */
  readonly operations: ReadonlySet<string>;
  readonly functions: readonly string[];
}

/** Runs the bundle on the sandbox through everything that an alert or the workbook looks for. */
export async function recordRun(): Promise<RecordedRun> {
  const environment = { ...QUICK, LANE_LEASE_SECONDS: '9' };
  const flow = await startFlow({ extraMailboxes: 10, redeliverySeconds: 2, environment });
  const watch = watchStorage(flow.sandbox.storage);
  try {
    await new Walk(flow, watch.done).everything();
    const vault = (await flow.requests('keyVault')).filter(({ status }) => status !== 401);
    for (const { method, path } of vault) watch.done.add(vaultOperation(method, path));
    return {
      telemetry: eventsIn(flow.sandbox.logs),
      errors: eventsIn(flow.sandbox.logs.filter((line) => line.startsWith('[error]'))),
      operations: watch.done,
      functions: flow.sandbox.host?.functions ?? [],
    };
  } finally {
    watch.stop();
    await flow.close();
  }
}

function eventsIn(lines: readonly string[]): Telemetry[] {
  return lines.flatMap((line) => {
    const json = /\{"event":.*\}$/.exec(line)?.[0];
    return json ? [JSON.parse(json) as Telemetry] : [];
  });
}

function vaultOperation(method: string, path: string): string {
  const [, collection = '', name = ''] = path.split('/');
  const operations: Record<string, string> = {
    'GET secrets': 'Get Secret',
    'PUT secrets': 'Set Secret',
    'DELETE secrets': 'Delete Secret',
    'GET deletedsecrets': 'Get Deleted Secret',
  };
  const operation = name === '' ? undefined : operations[`${method} ${collection}`];
  return `vault: ${operation ?? `${method} ${path}`}`;
}

class Walk {
  private readonly flow: Flow;
  private readonly done: ReadonlySet<string>;
  private readonly blobs: BlobServiceClient;

  constructor(flow: Flow, done: ReadonlySet<string>) {
    this.flow = flow;
    this.done = done;
    const userAgentOptions = { userAgentPrefix: OUTSIDER };
    this.blobs = BlobServiceClient.fromConnectionString(flow.sandbox.storage.connectionString, { userAgentOptions });
  }

  async everything(): Promise<void> {
    await Promise.all([
      this.mailThatIsAccepted(),
      this.mailThatGraphTreatsBadly(),
      this.messagesThatNobodyCanRead(),
      this.messagesThatFail(),
    ]);
    // The vault refuses what comes first: nobody else may be linking.
    await this.linksThatFail();
    await this.killedWhileSending();
    await this.credentialsThatDie();
    const { functions = [] } = this.flow.sandbox.host ?? {};
    for (const timer of ['connections-scan', 'measure'])
      if (functions.includes(timer)) await this.flow.control('host/run', { function: timer });
    const checks = this.client(QUEUES.checks);
    // Follow-ups lie hidden there for half a minute.
    const isEmpty = async () => (await checks.getProperties()).approximateMessagesCount === 0;
    await until('the checks to be done', isEmpty, 60);
    await this.customerThatLeaves();
  }

  private link(number: number): Promise<string> {
    return linkMailbox(this.flow, `sender-${number}@acme.example`);
  }

  private client(queue: string) {
    const userAgentOptions = { userAgentPrefix: OUTSIDER };
    return new QueueClient(this.flow.sandbox.storage.connectionString, queue, { userAgentOptions });
  }

  private enqueue(queue: string, content: unknown) {
    return this.client(queue).sendMessage(typeof content === 'string' ? content : JSON.stringify(content));
  }

  private seen(event: string, contains = ''): Promise<unknown> {
    const isIt = (line: string) => line.includes(`{"event":"${event}"`) && line.includes(contains);
    return until(`the event ${event} ${contains}`, async () => this.flow.sandbox.logs.some(isIt), 40);
  }

  private graph(mailId: string, fault: Fault): Promise<void> {
    return this.flow.control('graph/faults', [{ match: { path: 'sendMail', contains: `"${mailId}"` }, ...fault }]);
  }

  private async mailThatIsAccepted() {
    const { mails } = this.flow;
    const connectionId = await this.link(1);
    const small = message(connectionId);
    await this.enqueue(QUEUES.mail, small);
    const large = mail({ body: { contentType: 'text', content: 'x'.repeat(100_000) } });
    await mails.submit(connectionId, large);

    const contentBlob = `${CUSTOMER}/${connectionId}/body.json`;
    const content = JSON.stringify({ body: { contentType: 'text', content: 'From the container.' } });
    await this.blobs
      .getContainerClient(CONTAINERS.drop)
      .getBlockBlobClient(contentBlob)
      .upload(content, content.length);
    const { body: _, ...rest } = mail();
    const dropped = { ...rest, contentBlob };
    await this.enqueue(QUEUES.mail, { version: 1, customerId: CUSTOMER, connectionId, ...dropped });
    for (const { mailId } of [small, large, dropped]) await mails.reaches(connectionId, mailId, 'accepted');
    await this.flow.api.expect(200, 'DELETE', connectionPath(connectionId));
  }

  private async mailThatGraphTreatsBadly() {
    const { mails } = this.flow;
    const connectionId = await this.link(2);
    const error = (status: number, code: string) => ({ status, body: { error: { code, message: 'Planted.' } } });
    const [refused, lost, throttled] = [mail(), mail(), mail()];
    await this.graph(refused.mailId, error(400, 'ErrorInvalidRecipients'));
    await this.graph(lost.mailId, { drop: 'after' });
    await this.graph(throttled.mailId, { ...error(429, 'ApplicationThrottled'), headers: { 'retry-after': '1' } });
    for (const one of [refused, lost, throttled]) await mails.submit(connectionId, one);
    await mails.reaches(connectionId, refused.mailId, 'rejected');
    await mails.reaches(connectionId, lost.mailId, 'uncertain');
    await mails.reaches(connectionId, throttled.mailId, 'accepted');

    const stale = mail();
    await this.graph(stale.mailId, { ...error(401, 'InvalidAuthenticationToken'), times: 2 });
    await mails.submit(connectionId, stale);
    await this.seen('graph_refuses_fresh_tokens');

    const blocked = await this.link(3);
    const forbidden = mail();
    await this.graph(forbidden.mailId, error(403, 'ErrorAccessDenied'));
    await mails.submit(blocked, forbidden);
    await this.seen('connection.blocked');
    const without = await linkMailbox(this.flow, 'kiosk@acme.example');
    await mails.submit(without, mail());
    await this.seen('connection.no_mailbox');
  }

  private async messagesThatNobodyCanRead() {
    const connectionId = await this.link(4);
    await this.enqueue(QUEUES.mail, 'Dear Ada, no JSON');
    await this.enqueue(QUEUES.mail, message(connectionId, { sendAt: 'tomorrow' }));
    await this.seen('mail.not_taken');
    await this.seen('mail.refused');
    await this.enqueue(QUEUES.mail, message(connectionId, { expiresAt: '2020-01-01T00:00:00.000Z' }));
    await this.seen('mail.expired');
  }

  private async messagesThatFail() {
    const connectionId = await this.link(5);
    await this.flow.api.expect(200, 'POST', `${connectionPath(connectionId)}/pause`);
    const held = message(connectionId);
    await this.enqueue(QUEUES.mail, held);
    await this.flow.mails.reaches(connectionId, held.mailId, 'held');
    await this.enqueue(POISON_QUEUES[0], held);
    await this.enqueue(POISON_QUEUES[1], { v: 1, customerId: CUSTOMER, connectionId });
    await this.flow.control('host/run', { function: 'poison-reader' });
    await this.seen('mail.dead');
    await this.seen('ticket.poisoned');
  }

  private async linksThatFail() {
    const { flow } = this;
    const denied = { status: 403, body: { error: { code: 'Forbidden' } }, times: 4 };
    await flow.control('keyVault/faults', [{ match: { method: 'PUT', path: '/secrets/refresh-token-' }, ...denied }]);
    await this.link(6).catch(() => undefined);
    await this.seen('link.vault_failed');
    flow.sandbox.keyVault.journal.faults.length = 0;

    // Declined, while the vault does not delete the secret that was kept for it.
    await flow.control('keyVault/faults', [
      { match: { method: 'DELETE', path: '/secrets/client-secret-' }, ...denied },
    ]);
    const browser = flow.browser();
    const { clientId, clientSecret } = flow.sandbox.info.customerOwned;
    const tab = await browser.open(`${flow.sandbox.info.hire2retire}/customer-owned`);
    const page = await browser.click(tab, 'Link account', { clientId, clientSecret });
    await browser.click(await browser.click(page, 'sender-6@acme.example'), 'Cancel');
    await this.seen('link.cleanup_postponed');
    flow.sandbox.keyVault.journal.faults.length = 0;

    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'sender-6@acme.example');
    const body = proof(back, { startedBy: 'session-of-mallory' });
    await flow.api.expect(409, 'POST', `/auth/link/Outlook/${linkId}/confirm`, { body });
    await this.seen('security.link_wrong_session');

    const forgotten = await startLink(flow);
    const row = { partitionKey: forgotten.linkId, rowKey: await this.rowKeyOf(forgotten.linkId) };
    await this.flow.table('links').updateEntity({ ...row, expiresAt: '2020-01-01T00:00:00.000Z' }, 'Merge');
    await flow.api.expect(200, 'GET', `/auth/link/Outlook/${forgotten.linkId}?customerId=${CUSTOMER}`);
    await this.seen('link.expired');
  }

  private async rowKeyOf(linkId: string): Promise<string> {
    const rows = this.flow.table('links').listEntities({ queryOptions: { filter: `PartitionKey eq '${linkId}'` } });
    for await (const { rowKey } of rows) if (rowKey) return rowKey;
    throw new Error(`There is no row of ${linkId}`);
  }

  private async killedWhileSending() {
    const connectionId = await this.link(7);
    const one = message(connectionId);
    await this.graph(one.mailId, { delayMs: 12_000 });
    await this.enqueue(QUEUES.mail, one);
    await until('Graph to have the mail', async () =>
      this.flow.sandbox.graph.journal.faults.some(({ fault, left }) => left === 0 && fault.delayMs === 12_000),
    );
    await this.flow.control('host/kill', {});
    await this.seen('mail.stale_claim');
  }

  private async customerThatLeaves() {
    await this.flow.api.expect(202, 'DELETE', '/customers/globex');
    const containers = [CONTAINERS.drop, CONTAINERS.content];
    await until('the content to be looked for', async () =>
      containers.every((name) => this.done.has(`containers/${name}: List Blobs`)),
    );
  }

  private async credentialsThatDie() {
    const { flow } = this;
    const { customerOwned, serviceProvider, hire2retire } = flow.sandbox.info;
    const [revoked, provided] = [await this.link(8), await this.link(9)];
    const browser = flow.browser();
    const { clientId, clientSecret } = customerOwned;
    const tab = await browser.open(`${hire2retire}/customer-owned`);
    const page = await browser.click(tab, 'Link account', { clientId, clientSecret });
    const list = await signIn(browser, page, 'sender-10@acme.example');
    const own = new URL(list.url).searchParams.get('linked') ?? '';

    await flow.control('identity/revoke', { address: 'sender-8@acme.example' });
    await flow.control('identity/expire-secret', { clientId });
    await flow.control('host/kill', {});
    await flow.mails.submit(revoked, mail());
    await this.seen('connection.needs_relink');
    await flow.mails.submit(own, mail());
    await this.seen('application.broken');
    await flow.api.expect(200, 'DELETE', connectionPath(own));

    await flow.control('identity/expire-secret', { clientId: serviceProvider.clientId });
    await flow.mails.submit(provided, mail());
    await this.seen('service_provider_credential_refused');
    await flow.control('identity/restore', {});
  }
}
