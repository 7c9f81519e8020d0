import { type SecretTags, StoreUnavailable } from '../../shared/storage/ports.ts';
import { type StoredRow, text } from '../../shared/storage/table.ts';
import { FakeSecrets } from '../fakes/stores.ts';
import type { FakeTable } from '../fakes/table.ts';
import type { Findings } from './findings.ts';
import type { Troubles } from './truth.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A secret that nobody names is deleted by the next daily check, or by what ends a link. */
const UNNAMED_HOURS = 28;
const NAMES = ['secretName', 'previousSecretName', 'nextSecretName', 'pendingSecretName'] as const;
const ENDED: readonly string[] = ['connected', 'failed', 'expired'];
const NAMES_OF_LINKS = ['refreshTokenName', 'clientSecretName'] as const;

interface Books {
  readonly now: () => number;
  readonly connections: FakeTable;
  readonly applications: FakeTable;
  readonly links: FakeTable;
  readonly findings: Findings;
}

/**
 * A vault that may be down, and keeps books: the most versions of a secret, since when each is there and since when nobody
 * names it. What a row names stays; what it was called before stays for a day; and nothing else stays.
 */
export class Vault extends FakeSecrets {
  down = false;
  maxVersions = 0;
  books: Books | undefined;
  private readonly born = new Map<string, { readonly at: number; readonly turn: number }>();
  private readonly unnamed = new Map<string, number>();

  override async set(name: string, value: string, tags: SecretTags, expiresOn?: Date): Promise<void> {
    this.answer();
    await super.set(name, value, tags, expiresOn);
    this.maxVersions = Math.max(this.maxVersions, this.kept.get(name)?.versions ?? 0);
    if (this.books && !this.born.has(name)) this.born.set(name, { at: this.books.now(), turn: this.born.size });
  }

  override async get(name: string, tags: SecretTags): Promise<string | undefined> {
    this.answer();
    return super.get(name, tags);
  }

  override async remove(name: string, tags: SecretTags): Promise<Date | undefined> {
    this.answer();
    this.admit(name, tags);
    return super.remove(name, tags);
  }

  /** Held against the rows once a day. */
  balance(troubles: Troubles): void {
    const { books } = this;
    if (!books) return;
    const now = books.now();
    const named = new Set(this.rows().flatMap((row) => NAMES.map((name) => text(row, name))));
    for (const row of books.links.all())
      if (!ENDED.includes(text(row, 'state'))) for (const name of NAMES_OF_LINKS) named.add(text(row, name));
    for (const name of this.kept.keys()) {
      if (named.has(name)) this.unnamed.delete(name);
      else if (!this.unnamed.has(name)) this.unnamed.set(name, now);
      const since = this.unnamed.get(name) ?? now;
      if (now - since > troubles.window(now, UNNAMED_HOURS) && this.unnamed.delete(name))
        books.findings.add('wrongSecrets', now, `${name} is left, and nobody names it`);
    }
    for (const row of this.rows()) {
      const isThere = this.kept.has(text(row, 'secretName')) || isLeaving(row);
      if (!isThere) books.findings.add('wrongSecrets', now, `${row.rowKey} names a secret that is not there`);
      const retiredAt = this.born.get(text(row, 'secretName'))?.at ?? now;
      const isLate =
        text(row, 'previousSecretName') !== '' && now - retiredAt > DAY + troubles.window(now, UNNAMED_HOURS);
      if (isLate && !isLeaving(row) && this.kept.has(text(row, 'previousSecretName')))
        books.findings.add('wrongSecrets', now, `${row.rowKey} keeps its previous secret for more than a day`);
    }
  }

  /** Rows of connections and applications that have secrets. */
  private rows(): StoredRow[] {
    const { connections, applications } = this.books as Books;
    return [...connections.all(), ...applications.all()].filter(
      ({ properties }) => 'secretName' in properties || 'nextSecretName' in properties,
    );
  }

  /** A secret that a row was called by before goes after a day, or when yet another takes its place. */
  private admit(name: string, tags: SecretTags): void {
    const { books } = this;
    if (!books || !this.kept.has(name)) return;
    const now = books.now();
    for (const row of this.rows()) {
      if (isLeaving(row)) continue;
      const current = text(row, 'secretName');
      if (name === current) books.findings.add('wrongSecrets', now, `${row.rowKey} lost the secret that it names`);
      if (name !== text(row, 'previousSecretName')) continue;
      const { at: retiredAt, turn } = this.born.get(current) ?? { at: 0, turn: 0 };
      const isReplaced = [...this.kept].some(
        ([other, secret]) => (this.born.get(other)?.turn ?? 0) > turn && isSameOwner(secret.tags, tags),
      );
      if (now - retiredAt < DAY && !isReplaced)
        books.findings.add('wrongSecrets', now, `${row.rowKey} lost its previous secret before a day was over`);
    }
  }

  private answer(): void {
    if (this.down) throw new StoreUnavailable('key vault', 60);
  }
}

function isLeaving(row: StoredRow): boolean {
  return text(row, 'status') === 'removing' || text(row, 'removingSince') !== '' || row.rowKey.startsWith('r|');
}

function isSameOwner(one: SecretTags, other: SecretTags): boolean {
  return Object.entries(other).every(([key, value]) => one[key as keyof SecretTags] === value);
}
