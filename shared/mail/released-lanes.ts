import type { Lane } from './lane.ts';

/** An entry has about 500 bytes. */
const MAX_KEPT = 5_000;

/**
 * Lanes as this instance let them go, with nothing left to do in them. Whoever changes a lane's row changes its ETag, so
 * what is kept here is worth a try and never more: a claim on an old ETag fails, and the lane is read as usual.
 */
export class ReleasedLanes {
  private readonly kept = new Map<string, Lane>();

  keep(lane: Lane): void {
    this.kept.delete(lane.connectionId);
    // Oldest first: a Map keeps insertion order.
    if (this.kept.size >= MAX_KEPT) this.kept.delete(this.kept.keys().next().value ?? '');
    this.kept.set(lane.connectionId, lane);
  }

  /** The lane for one try: of two mails at once, one gets it. */
  take(connectionId: string): Lane | undefined {
    const lane = this.kept.get(connectionId);
    this.kept.delete(connectionId);
    return lane;
  }
}
