import { type Clock, DAY, HOUR, later } from '../clock.ts';
import type { Config } from '../config.ts';
import { newSecretName } from '../ids.ts';
import type { Secrets } from '../storage/ports.ts';
import type { Connection, ConnectionChange, ConnectionStore } from './connection.ts';
import { isRetired, REFRESH_TOKEN_DAYS } from './lifetimes.ts';
import { refreshTokenTags } from './secret-tags.ts';

export interface WriteBackDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly connections: ConnectionStore;
  readonly secrets: Secrets;
}

/** What a refresh proved. */
export interface Proof {
  /** The connection as it was when its token was asked for; another instance may have changed its row since. */
  readonly connection: Connection;
  /** The newest refresh token, and whether it is another one than was sent. */
  readonly refreshToken: string;
  readonly rotated: boolean;
  /** Records `lastProvenAt` also when that was done less than a day ago. */
  readonly always: boolean;
  /** What the account is called now, where that is known; recorded with `lastProvenAt`. */
  readonly signInName?: string;
}

/**
 * Versions of a secret after which the next one gets a new name. A vault's backup fails above 500, and versions cannot be
 * deleted one by one. What is left is for writes that cannot change the name at the time.
 */
export const MAX_VERSIONS = 200;
/**
 * From here on the name is changed whatever stands in the way: a previous name goes before its day is over, and a name
 * that somebody drew who died is used. Whoever still holds an old name reads the row again and finds the new one.
 */
export const PRESSING_VERSIONS = 350;
/** By then, whoever drew a name and meant to use it has used it, or is dead: no execution lives for longer. */
export const ABANDONED_MS = HOUR;

/**
 * Writes back a rotated refresh token when the stored one is old enough, and `lastProvenAt` once a day. Secret first,
 * row second: killed in between, the row is too modest and the next refresh writes again.
 */
export async function recordProof(deps: WriteBackDeps, proof: Proof): Promise<void> {
  const { connections } = deps;
  const { customerId, connectionId, credentialVersion } = proof.connection;
  if (!isDue(deps, proof, proof.connection)) return;
  // Decided on the row as it is now: of many instances that remember an old one, the first writes and the others see it.
  const row = await connections.get(customerId, connectionId);
  if (!row || row.status === 'removing' || row.credentialVersion !== credentialVersion) return;
  if (!isDue(deps, proof, row)) return;
  const now = deps.clock.now();
  const { signInName } = proof;
  const proven = { lastProvenAt: now.toISOString(), ...(signInName && { signInName }) };
  const same = (current: Connection) =>
    current.credentialVersion === credentialVersion && current.secretName === row.secretName;
  if (!isStoredTooLongAgo(deps, proof, row)) {
    await connections.change(customerId, connectionId, (current) => (same(current) ? proven : undefined));
    return;
  }
  const tags = refreshTokenTags(customerId, connectionId);
  const stored = { ...proven, refreshTokenStoredAt: now.toISOString() };
  if (row.secretVersions >= MAX_VERSIONS && (await storeUnderNewName(deps, row, proof.refreshToken, stored))) return;
  await deps.secrets.set(row.secretName, proof.refreshToken, tags, later(now, REFRESH_TOKEN_DAYS * DAY));
  await connections.change(customerId, connectionId, (current) =>
    same(current) ? { ...stored, secretVersions: Math.max(1, current.secretVersions) + 1 } : undefined,
  );
}

function isDue(deps: WriteBackDeps, proof: Proof, row: Connection): boolean {
  const provenAgo = deps.clock.now().getTime() - Date.parse(row.lastProvenAt);
  return proof.always || !(provenAgo < DAY) || isStoredTooLongAgo(deps, proof, row);
}

function isStoredTooLongAgo(deps: WriteBackDeps, proof: Proof, row: Connection): boolean {
  const age = deps.clock.now().getTime() - Date.parse(row.refreshTokenStoredAt);
  return proof.rotated && age >= deps.config.refreshTokenWriteAfterDays * DAY;
}

/**
 * name in the row → secret → row. Killed after the first, the row names a secret that is not used, and the daily check
 * deletes it (`dropAbandonedSecret`).
 * @returns false when the name is not changed now: a change is under way, or two old names would be kept
 */
async function storeUnderNewName(
  deps: WriteBackDeps,
  row: Connection,
  refreshToken: string,
  stored: ConnectionChange,
): Promise<boolean> {
  const { connections, secrets } = deps;
  const { customerId, connectionId, credentialVersion, previousSecretName } = row;
  const now = deps.clock.now();
  const pressing = row.secretVersions >= PRESSING_VERSIONS;
  if (row.nextSecretName !== '' && !(pressing && isAbandoned(row, now))) return false;
  if (previousSecretName !== '' && !pressing && !isRetired(row.previousRetiredAt, now)) return false;
  const tags = refreshTokenTags(customerId, connectionId);
  // What the row is about to forget is deleted first.
  if (previousSecretName !== '') await secrets.remove(previousSecretName, tags);
  const nextSecretName = row.nextSecretName || newSecretName('refresh-token');
  const nextSecretAt = now.toISOString();
  const drawn = { nextSecretName, nextSecretAt, previousSecretName: '', previousRetiredAt: '' };
  if (!(await connections.update(row, drawn))) return false;
  await secrets.set(nextSecretName, refreshToken, tags, later(now, REFRESH_TOKEN_DAYS * DAY));
  const moved = await connections.change(customerId, connectionId, (current) =>
    current.credentialVersion === credentialVersion &&
    current.status !== 'removing' &&
    current.nextSecretName === nextSecretName &&
    current.nextSecretAt === nextSecretAt
      ? {
          ...stored,
          secretName: nextSecretName,
          secretVersions: 1,
          nextSecretName: '',
          nextSecretAt: '',
          previousSecretName: current.secretName,
          previousRetiredAt: now.toISOString(),
        }
      : undefined,
  );
  // Linked again or unlinked meanwhile: nobody will ever look under this name.
  if (moved?.secretName !== nextSecretName) await secrets.remove(nextSecretName, tags);
  return true;
}

/** Not one that is being deleted (`nextSecretAt` is ''). Its secret may hold the only good token, so it is never dropped here. */
function isAbandoned({ nextSecretAt }: Connection, now: Date): boolean {
  return Date.parse(nextSecretAt) + ABANDONED_MS <= now.getTime();
}
