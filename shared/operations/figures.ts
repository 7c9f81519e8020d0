import { DAY } from '../clock.ts';
import type { ConnectionStatus } from '../connections/connection.ts';
import { troubleAt } from '../connections/lifetimes.ts';
import { number, RowConflict, type StoredRow, type Table, text } from '../storage/table.ts';

/** Days that `measure.trouble` tells of. */
export const TROUBLE_DAYS = [7, 14, 30, 60] as const;

const STATUSES = ['connected', 'paused', 'needs_relink', 'no_mailbox', 'blocked', 'broken', 'removing'] as const;

/** All connections, counted. */
export interface Figures {
  readonly countedAt: Date;
  readonly connections: number;
  readonly byStatus: Readonly<Record<ConnectionStatus, number>>;
  /** Of those that work, how many die by themselves within so many days if nothing is done. */
  readonly trouble: Readonly<Record<(typeof TROUBLE_DAYS)[number], number>>;
}

/** Storage hands out so many rows in one request. */
const PAGE = 1000;

/** The last count of all connections: the row `_` / `figures` of table `connections`, as JSON. */
export class FigureStore {
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  async last(): Promise<Figures | undefined> {
    const { row } = await this.table.get('_', 'figures');
    if (!row) return undefined;
    const { byStatus, trouble } = JSON.parse(text(row, 'figures')) as Pick<Figures, 'byStatus' | 'trouble'>;
    return { countedAt: new Date(text(row, 'countedAt')), connections: number(row, 'connections'), byStatus, trouble };
  }

  /** Counts anew: one request for each thousand rows, of which three properties are read. */
  async count(now: Date): Promise<Figures> {
    const byStatus = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<ConnectionStatus, number>;
    const trouble = Object.fromEntries(TROUBLE_DAYS.map((days) => [days, 0])) as Record<7 | 14 | 30 | 60, number>;
    let connections = 0;
    let after: string | undefined;
    do {
      const page = await this.table.scan("status gt ''", PAGE, after, ['status', 'troubleAt', 'refreshTokenStoredAt']);
      for (const row of page.rows) {
        connections += 1;
        const status = text(row, 'status') as ConnectionStatus;
        byStatus[status] = (byStatus[status] ?? 0) + 1;
        if (status !== 'connected' && status !== 'paused') continue;
        const days = (endOf(row).getTime() - now.getTime()) / DAY;
        for (const within of TROUBLE_DAYS) if (days <= within) trouble[within] += 1;
      }
      after = page.next;
    } while (after !== undefined);
    const figures = { countedAt: now, connections, byStatus, trouble };
    await this.keep(figures);
    return figures;
  }

  private async keep({ countedAt, connections, byStatus, trouble }: Figures): Promise<void> {
    const figures = JSON.stringify({ byStatus, trouble });
    const properties = { v: 1, countedAt: countedAt.toISOString(), connections, figures };
    const { row } = await this.table.get('_', 'figures');
    try {
      const kind = row ? 'replace' : 'insert';
      await this.table.write('_', [{ kind, rowKey: 'figures', properties }]);
    } catch (error) {
      // Two counts at once: either of them is good.
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

/** As the last check wrote it; before the first one, the refresh token alone tells. */
function endOf(row: StoredRow): Date {
  const written = text(row, 'troubleAt');
  return written
    ? new Date(written)
    : troubleAt({ refreshTokenStoredAt: text(row, 'refreshTokenStoredAt') }, undefined);
}
