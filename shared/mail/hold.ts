import { later } from '../clock.ts';
import { type Properties, RowConflict, type RowOperation } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { LANE_ROW, type Lane } from './lane.ts';
import type { Pace } from './pace.ts';

/** The lane is somebody else's by now. */
export class LaneLost extends Error {}
/** Mail was put down while the lane was held: it must not be released before another look. */
export class LaneDirty extends Error {}
/** The gate was shut while the lane was held: nothing more may be claimed. */
export class GateShut extends Error {}

/**
 * A lane held by one invocation. All writes of the lane row go through here, one after another, each on the ETag of the
 * last. Others may change the row under us (`dirty`, the gate): their change is taken in, never overwritten.
 */
export class LaneHold {
  readonly connectionId: string;
  readonly customerId: string;
  readonly epoch: number;
  readonly owner: string;
  private etag: string;
  private isDirty: boolean;
  private shut: boolean;
  private isLost = false;
  /** Somebody wrote to the lane's row while it was held: what was read of it at the start is not all of it any more. */
  changedByOthers = false;
  /** One mail may be claimed behind the shut gate: does the mailbox take mail again? */
  probing = false;
  pace: Pace;
  setbacks: number;
  /** Event rows that are on the queue already; deleted with the next write. */
  readonly published: string[] = [];
  private readonly deps: MailDeps;
  private chain: Promise<unknown> = Promise.resolve();

  constructor(
    deps: MailDeps,
    lane: Lane,
    held: { readonly epoch: number; readonly owner: string; readonly etag: string },
  ) {
    this.deps = deps;
    this.connectionId = lane.connectionId;
    this.customerId = lane.customerId;
    this.epoch = held.epoch;
    this.owner = held.owner;
    this.etag = held.etag;
    this.isDirty = false;
    this.shut = lane.gate !== 'open';
    this.pace = { tokens: lane.tokens, refilledAt: lane.refilledAt, recipients: lane.recipients };
    this.setbacks = lane.setbacks;
  }

  get dirty(): boolean {
    return this.isDirty;
  }

  get lost(): boolean {
    return this.isLost;
  }

  /** The lane is to be looked at once more before it is let go. */
  markDirty(): void {
    this.isDirty = true;
  }

  /** A row shows that somebody took the lane after us. */
  markLost(): void {
    this.isLost = true;
  }

  /** What a write of the lane row sets to keep it held. */
  renewal(): Properties {
    return { leaseUntil: later(this.deps.clock.now(), this.deps.config.laneLeaseSeconds * 1000).toISOString() };
  }

  /**
   * Writes the lane row together with other rows of its partition.
   * `claim`: not while the gate is shut. `release`: not while dirty.
   * @throws {RowConflict} another row was changed · {LaneLost} · {LaneDirty} · {GateShut}
   */
  write(properties: Properties, operations: readonly RowOperation[] = [], mode?: 'claim' | 'release') {
    const run = this.chain.then(
      () => this.writeNow(properties, operations, mode),
      () => this.writeNow(properties, operations, mode),
    );
    this.chain = run.catch(() => {});
    return run;
  }

  /** Lets the lane go in order. `properties` may leave a pause or a ticket's time behind. */
  async release(properties: Properties = {}): Promise<void> {
    await this.write({ owner: '', leaseUntil: '', ...properties }, [], 'release');
  }

  private async writeNow(properties: Properties, operations: readonly RowOperation[], mode?: 'claim' | 'release') {
    for (;;) {
      if (this.isLost) throw new LaneLost();
      if (mode === 'claim' && this.shut && !this.probing) throw new GateShut();
      if (mode === 'release' && this.isDirty) throw new LaneDirty();
      const deletes = [...new Set(this.published)].map((rowKey) => ({ kind: 'delete', rowKey }) as const);
      const lane = { kind: 'merge', rowKey: LANE_ROW, properties, etag: this.etag } as const;
      try {
        const etags = await this.deps.mails.write(this.connectionId, [lane, ...operations, ...deletes]);
        this.etag = etags.get(LANE_ROW) ?? '';
        this.published.splice(0, deletes.length);
        if (properties['dirty'] === false) this.isDirty = false;
        if (properties['owner'] === '') this.isLost = true;
        return etags;
      } catch (error) {
        if (!(error instanceof RowConflict)) throw error;
        if (error.rowKey === LANE_ROW) await this.adopt();
        // Somebody else told this event too; its row is gone.
        else if (deletes.some(({ rowKey }) => rowKey === error.rowKey)) this.forget(error.rowKey);
        else throw error;
      }
    }
  }

  private forget(rowKey: string): void {
    this.published.splice(0, this.published.length, ...this.published.filter((each) => each !== rowKey));
  }

  /** Takes in what others wrote to the lane row. */
  private async adopt(): Promise<void> {
    const { lane } = await this.deps.lanes.get(this.connectionId);
    if (lane?.epoch !== this.epoch || lane.owner !== this.owner) {
      this.isLost = true;
      return;
    }
    this.etag = lane.etag;
    this.changedByOthers = true;
    // Only a look of our own clears what we noted ourselves.
    this.isDirty ||= lane.dirty;
    this.shut = lane.gate !== 'open';
  }
}
