import { HOUR, MINUTE } from '../../shared/clock.ts';
import type { Properties, RowOperation } from '../../shared/storage/table.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedMicrosoft } from './simulated-microsoft.ts';

/** A promise of the product that a run broke. */
export interface Violation {
  readonly kind: string;
  readonly mailId?: string;
  readonly detail: string;
}

/** One claim of a mail: when, in which lane. */
export interface Claim {
  readonly connectionId: string;
  readonly at: number;
}

/** Looks at every write to the mails as it is applied: some promises are about moments, not about the end. */
export class Watch {
  readonly violations: Violation[] = [];
  readonly claims: Claim[] = [];
  private readonly scheduler: Scheduler;
  private readonly microsoft: SimulatedMicrosoft;
  private readonly lanes = new Map<string, Properties>();
  private readonly mailIds = new Map<string, string>();
  private readonly states = new Map<string, string>();
  private readonly probes = new Map<string, { readonly epoch: number; readonly at: number }>();

  constructor(scheduler: Scheduler, microsoft: SimulatedMicrosoft) {
    this.scheduler = scheduler;
    this.microsoft = microsoft;
    microsoft.arrived = ({ mailId }) => {
      // Whoever finds the lease of a claim over may call it uncertain: nothing is posted under it after that.
      const state = this.states.get(mailId) ?? 'unknown';
      if (state !== 'sending') this.violations.push({ kind: 'posted_without_claim', mailId, detail: state });
    };
  }

  wrote(connectionId: string, operations: readonly RowOperation[]): void {
    for (const operation of operations) {
      if (operation.kind === 'delete') continue;
      const { rowKey, properties } = operation;
      if (rowKey === '0') this.lanes.set(connectionId, { ...this.lanes.get(connectionId), ...properties });
      if (rowKey.startsWith('1|')) this.record(connectionId, rowKey, properties);
    }
  }

  private record(connectionId: string, rowKey: string, properties: Properties): void {
    const key = `${connectionId}/${rowKey}`;
    if (typeof properties['mailId'] === 'string') this.mailIds.set(key, properties['mailId']);
    const mailId = this.mailIds.get(key) ?? '';
    if (typeof properties['state'] === 'string') this.states.set(mailId, properties['state']);
    if (properties['state'] === 'sending') {
      this.claims.push({ connectionId, at: this.scheduler.now });
      const lane = this.lanes.get(connectionId);
      if (lane?.['gate'] !== 'open' && !this.isProbe(connectionId, lane?.['gate'], Number(lane?.['epoch'])))
        this.violations.push({ kind: 'claimed_behind_gate', mailId, detail: String(lane?.['gate']) });
      if (lane?.['owner'] === '') this.violations.push({ kind: 'claimed_without_lane', mailId, detail: '' });
    }
    if (properties['reason'] === 'stale_claim' && this.microsoft.isInFlight(mailId))
      this.violations.push({ kind: 'called_stale_in_flight', mailId, detail: String(properties['state']) });
  }

  /** A mailbox that Graph refused may be tried with one mail each time its lane is taken, and once an hour at most. */
  private isProbe(connectionId: string, gate: unknown, epoch: number): boolean {
    if (gate !== 'no_mailbox' && gate !== 'blocked') return false;
    const last = this.probes.get(connectionId);
    this.probes.set(connectionId, { epoch, at: this.scheduler.now });
    // Clocks of instances differ by less than a minute.
    return last === undefined || (last.epoch !== epoch && this.scheduler.now - last.at > HOUR - MINUTE);
  }
}
