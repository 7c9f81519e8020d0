import { randomUUID } from 'node:crypto';

/** Attributes of a secret version; times are Unix seconds. */
export interface Attributes {
  readonly enabled: boolean;
  readonly nbf?: number;
  readonly exp?: number;
  readonly created: number;
  readonly updated: number;
}

export interface SecretVersion {
  readonly name: string;
  readonly version: string;
  readonly value: string;
  readonly contentType?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly attributes: Attributes;
}

/** What a caller may change about a version; what is absent stays. */
export interface SecretChanges {
  readonly contentType?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly attributes?: { readonly enabled?: boolean; readonly nbf?: number; readonly exp?: number } | undefined;
}

/** Versions of one secret, oldest first; never empty. */
export type Versions = readonly [SecretVersion, ...SecretVersion[]];

export interface DeletedSecret {
  readonly versions: Versions;
  /** Unix seconds */
  readonly deletedAt: number;
}

/** The content of a vault with soft delete. Names are compared as Key Vault does: without regard to case. */
export class Vault {
  private readonly live = new Map<string, Versions>();
  private readonly gone = new Map<string, DeletedSecret>();

  all(): readonly Versions[] {
    return [...this.live.values()];
  }

  allDeleted(): readonly DeletedSecret[] {
    return [...this.gone.values()];
  }

  versions(name: string): Versions | undefined {
    return this.live.get(name.toLowerCase());
  }

  deleted(name: string): DeletedSecret | undefined {
    return this.gone.get(name.toLowerCase());
  }

  /** Adds a version. The caller has made sure that the name is not taken by a deleted secret. */
  set(name: string, value: string, changes: SecretChanges): SecretVersion {
    const now = unixTime();
    const known = this.versions(name);
    const added: SecretVersion = {
      name: known?.[0].name ?? name,
      version: randomUUID().replaceAll('-', ''),
      value,
      ...(changes.contentType !== undefined && { contentType: changes.contentType }),
      tags: changes.tags ?? {},
      attributes: { enabled: true, ...changes.attributes, created: now, updated: now },
    };
    this.live.set(name.toLowerCase(), known ? [...known, added] : [added]);
    return added;
  }

  /** Changes one version, or nothing when there is no such version. */
  update(name: string, version: string, changes: SecretChanges): SecretVersion | undefined {
    const known = this.versions(name);
    const current = known?.find((candidate) => candidate.version === version);
    if (!known || !current) return undefined;
    const updated: SecretVersion = {
      ...current,
      ...(changes.contentType !== undefined && { contentType: changes.contentType }),
      ...(changes.tags && { tags: changes.tags }),
      attributes: { ...current.attributes, ...changes.attributes, updated: unixTime() },
    };
    const [first, ...rest] = known;
    const replace = (candidate: SecretVersion) => (candidate === current ? updated : candidate);
    this.live.set(name.toLowerCase(), [replace(first), ...rest.map(replace)]);
    return updated;
  }

  delete(name: string): DeletedSecret | undefined {
    const versions = this.versions(name);
    if (!versions) return undefined;
    const deleted = { versions, deletedAt: unixTime() };
    this.live.delete(name.toLowerCase());
    this.gone.set(name.toLowerCase(), deleted);
    return deleted;
  }

  recover(name: string): Versions | undefined {
    const deleted = this.deleted(name);
    if (!deleted) return undefined;
    this.gone.delete(name.toLowerCase());
    this.live.set(name.toLowerCase(), deleted.versions);
    return deleted.versions;
  }

  purge(name: string): boolean {
    return this.gone.delete(name.toLowerCase());
  }
}

/** The newest version. */
export function latest(versions: Versions): SecretVersion {
  return versions.at(-1) ?? versions[0];
}

const unixTime = () => Math.floor(Date.now() / 1000);
