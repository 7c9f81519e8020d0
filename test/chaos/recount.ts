import { TableClient } from '@azure/data-tables';
import { QueueClient } from '@azure/storage-queue';
import type { RecordedRequest } from '../../sandbox/kit/journal.ts';
import type { Sandbox } from '../../sandbox/start.ts';
import { POISON_QUEUES, QUEUES, TABLES } from '../../shared/storage-names.ts';

/** What the tables say of a mail. */
export interface ChaosRecord {
  readonly mailId: string;
  readonly state: string;
  readonly reason: string;
  readonly late: boolean;
}

/** Everything that the run left behind, read from storage and from the Graph stand-in's log. */
export interface Remains {
  readonly records: ReadonlyMap<string, ChaosRecord>;
  /** How often Graph took each mail. */
  readonly taken: ReadonlyMap<string, number>;
  readonly heldLanes: number;
  /** Messages on our queues, the hidden ones included. */
  readonly queued: number;
}

export async function readRemains(sandbox: Sandbox): Promise<Remains> {
  const { connectionString } = sandbox.storage;
  const mails = TableClient.fromConnectionString(connectionString, TABLES.mails, { allowInsecureConnection: true });
  const records = new Map<string, ChaosRecord>();
  let heldLanes = 0;
  for await (const row of mails.listEntities<Record<string, unknown>>()) {
    const rowKey = String(row.rowKey);
    if (rowKey === '0' && row['owner']) heldLanes += 1;
    if (!rowKey.startsWith('1|')) continue;
    const mailId = String(row['mailId']);
    records.set(mailId, {
      mailId,
      state: String(row['state']),
      reason: String(row['reason'] ?? ''),
      late: row['late'] === true,
    });
  }
  let queued = 0;
  for (const name of [QUEUES.mail, QUEUES.lanes, QUEUES.checks, ...POISON_QUEUES]) {
    queued += (await new QueueClient(connectionString, name).getProperties()).approximateMessagesCount ?? 0;
  }
  return { records, taken: takenByGraph(sandbox.graph.journal.requests), heldLanes, queued };
}

function takenByGraph(requests: readonly RecordedRequest[]): ReadonlyMap<string, number> {
  const taken = new Map<string, number>();
  for (const request of requests) {
    const mailId = /"x-outlook-sender-mail-id","value":"([^"]+)"/.exec(request.body)?.[1];
    if (request.taken && mailId !== undefined) taken.set(mailId, (taken.get(mailId) ?? 0) + 1);
  }
  return taken;
}

/** The run's last line. */
export interface ChaosResult {
  readonly mails: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly uncertain: number;
  readonly held: number;
  readonly dead: number;
  /** Mails without a record, still unfinished, or accepted though Graph never took them. */
  readonly missing: number;
  /** Mails that Graph took twice though their record does not say so. */
  readonly doubled: number;
  readonly kills: number;
}

/** Compares each mail that was put on the queue with what became of it. */
export function judgeRemains(mailIds: readonly string[], remains: Remains, kills: number) {
  const states = (wanted: string) => mailIds.filter((id) => remains.records.get(id)?.state === wanted).length;
  const wrong: string[] = [];
  let missing = 0;
  let doubled = 0;
  for (const id of mailIds) {
    const record = remains.records.get(id);
    const taken = remains.taken.get(id) ?? 0;
    const ended = record && ['accepted', 'rejected', 'uncertain', 'dead', 'expired'].includes(record.state);
    if (!ended || (record.state === 'accepted' && taken === 0)) {
      missing += 1;
      wrong.push(`${id}: ${record?.state ?? 'no record'}, taken ${taken} times`);
    }
    if (taken > 1 || (taken === 1 && (record?.state === 'rejected' || record?.state === 'dead'))) {
      doubled += 1;
      wrong.push(`${id}: ${record?.state ?? 'no record'} (${record?.reason ?? ''}), taken ${taken} times`);
    }
  }
  const result: ChaosResult = {
    mails: mailIds.length,
    accepted: states('accepted'),
    rejected: states('rejected'),
    uncertain: states('uncertain'),
    held: states('queued') + states('waiting'),
    dead: states('dead'),
    missing,
    doubled,
    kills,
  };
  return { result, wrong };
}
