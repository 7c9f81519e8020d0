import { AppError } from '../errors.ts';
import { RowConflict, type Table, text } from '../storage/table.ts';

/** Links that a customer may have open at a time: a bound on what one caller can pile up. */
export const MAX_OPEN_LINKS = 10;

const ROW = 'open';

interface OpenLink {
  readonly linkId: string;
  readonly expiresAt: string;
}

/**
 * The one row per customer (`c|customerId` in `links`) that counts its open links. A slot whose release was lost frees
 * itself when the link's time is over.
 */
export class OpenLinks {
  private readonly table: Table;
  private readonly now: () => Date;

  constructor(table: Table, now: () => Date) {
    this.table = table;
    this.now = now;
  }

  /** @throws {AppError} too_many_links */
  async take(customerId: string, linkId: string, expiresAt: Date): Promise<void> {
    await this.change(customerId, (open) => {
      if (open.length >= MAX_OPEN_LINKS) {
        const soonest = Math.min(...open.map((link) => Date.parse(link.expiresAt)));
        throw new AppError('too_many_links', {
          retryAfterSeconds: Math.max(1, Math.ceil((soonest - this.now().getTime()) / 1000)),
        });
      }
      return [...open, { linkId, expiresAt: expiresAt.toISOString() }];
    });
  }

  async release(customerId: string, linkId: string): Promise<void> {
    await this.change(customerId, (open) => open.filter((link) => link.linkId !== linkId));
  }

  /** Forgets a customer who is gone. */
  async forget(customerId: string): Promise<void> {
    try {
      await this.table.write(`c|${customerId}`, [{ kind: 'delete', rowKey: ROW }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }

  private async change(customerId: string, edit: (open: readonly OpenLink[]) => readonly OpenLink[]): Promise<void> {
    const partition = `c|${customerId}`;
    for (;;) {
      const { row } = await this.table.get(partition, ROW);
      const kept = row ? (JSON.parse(text(row, 'links') || '[]') as OpenLink[]) : [];
      const now = this.now().toISOString();
      const properties = { v: 1, links: JSON.stringify(edit(kept.filter((link) => link.expiresAt > now))) };
      try {
        const operation = row
          ? ({ kind: 'replace', rowKey: ROW, properties, etag: row.etag } as const)
          : ({ kind: 'insert', rowKey: ROW, properties } as const);
        await this.table.write(partition, [operation]);
        return;
      } catch (error) {
        if (!(error instanceof RowConflict)) throw error;
      }
    }
  }
}
