import { randomUUID } from 'node:crypto';
import { json, type Reply } from '../kit/serve.ts';
import { type DeletedSecret, latest, type SecretVersion } from './vault.ts';

/** Days for which a deleted secret can be recovered: the least Key Vault allows. */
const RETENTION_DAYS = 7;
const RECOVERY = { recoveryLevel: 'CustomizedRecoverable+Purgeable', recoverableDays: RETENTION_DAYS };

/** A secret as `GET` and `PUT` answer it. */
export function bundle(vaultUrl: string, secret: SecretVersion) {
  return { value: secret.value, ...described(vaultUrl, secret, true) };
}

/** A secret without its value; lists of secrets also leave the version out of the id. */
export function described(vaultUrl: string, secret: SecretVersion, withVersion: boolean) {
  const id = `${vaultUrl}/secrets/${secret.name}`;
  return {
    id: withVersion ? `${id}/${secret.version}` : id,
    ...(secret.contentType !== undefined && { contentType: secret.contentType }),
    attributes: { ...secret.attributes, ...RECOVERY },
    tags: secret.tags,
  };
}

export function deletedSecret(vaultUrl: string, deleted: DeletedSecret, withVersion: boolean) {
  const secret = latest(deleted.versions);
  return {
    ...described(vaultUrl, secret, withVersion),
    recoveryId: `${vaultUrl}/deletedsecrets/${secret.name}`,
    deletedDate: deleted.deletedAt,
    scheduledPurgeDate: deleted.deletedAt + RETENTION_DAYS * 24 * 60 * 60,
  };
}

/** An answer with the header that Microsoft's support asks for. */
export function ok(value: unknown): Reply {
  return json(200, value, { 'x-ms-request-id': randomUUID() });
}

/** Key Vault's shape of an error; `inner` tells apart what shares a code. */
export function failure(status: number, code: string, message: string, inner?: string): Reply {
  const error = { code, message, ...(inner !== undefined && { innererror: { code: inner } }) };
  return json(status, { error }, { 'x-ms-request-id': randomUUID() });
}

export function notFound(name: string): Reply {
  return failure(404, 'SecretNotFound', `The vault has no secret with the name or id ${name}.`);
}
