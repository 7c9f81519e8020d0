import type { Call, Reply } from '../kit/serve.ts';
import { bundle, deletedSecret, described, failure, notFound, ok } from './answers.ts';
import { readChanges, readNewSecret } from './read-body.ts';
import { latest, type Vault } from './vault.ts';

const NAME = /^[0-9A-Za-z-]{1,127}$/;
const LARGEST_PAGE = 25;

/** Answers an authorized call as the secrets data plane of Key Vault does. */
export function route(vault: Vault, call: Call): Reply {
  if (!call.url.searchParams.has('api-version'))
    return failure(400, 'BadParameter', 'The query parameter api-version is missing.');
  const [collection, name, detail] = call.url.pathname.split('/').slice(1);
  // A slash at the end is how the SDK asks for the newest version.
  const target = { vault, call, name: name ?? '', detail: detail ?? '' };
  if (target.name !== '' && !NAME.test(target.name))
    return failure(400, 'BadParameter', `The request URI contains an invalid name: ${target.name}`);
  if (collection === 'secrets') return target.name === '' ? listSecrets(target) : secret(target);
  if (collection === 'deletedsecrets') return target.name === '' ? listDeleted(target) : deleted(target);
  return failure(404, 'NotFound', 'The stand-in serves secrets and deleted secrets only.');
}

interface Target {
  readonly vault: Vault;
  readonly call: Call;
  readonly name: string;
  /** A version, or a verb such as `versions` and `recover`; may be empty. */
  readonly detail: string;
}

function secret(target: Target): Reply {
  const { call, detail } = target;
  if (call.method === 'PUT' && detail === '') return setSecret(target);
  if (call.method === 'DELETE' && detail === '') return deleteSecret(target);
  if (call.method === 'PATCH') return updateSecret(target);
  if (call.method === 'GET') return detail === 'versions' ? listVersions(target) : getSecret(target);
  return methodNotAllowed();
}

function setSecret({ vault, call, name }: Target): Reply {
  if (vault.deleted(name))
    return failure(
      409,
      'Conflict',
      `Secret ${name} is deleted but recoverable: its name cannot be used until it is recovered or purged.`,
      'ObjectIsDeletedButRecoverable',
    );
  const body = readNewSecret(call.body);
  if ('problem' in body) return failure(400, 'BadParameter', body.problem);
  return ok(bundle(call.url.origin, vault.set(name, body.value.value, body.value)));
}

function getSecret({ vault, call, name, detail }: Target): Reply {
  const versions = vault.versions(name);
  const found = detail === '' ? versions && latest(versions) : versions?.find(({ version }) => version === detail);
  if (!found) return notFound(name);
  if (!found.attributes.enabled)
    return failure(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', 'SecretDisabled');
  return ok(bundle(call.url.origin, found));
}

function updateSecret({ vault, call, name, detail }: Target): Reply {
  const body = readChanges(call.body);
  if ('problem' in body) return failure(400, 'BadParameter', body.problem);
  const versions = vault.versions(name);
  const updated = versions && vault.update(name, detail || latest(versions).version, body.value);
  return updated ? ok(described(call.url.origin, updated, true)) : notFound(name);
}

function deleteSecret({ vault, call, name }: Target): Reply {
  const removed = vault.delete(name);
  return removed ? ok(deletedSecret(call.url.origin, removed, true)) : notFound(name);
}

function deleted({ vault, call, name, detail }: Target): Reply {
  const found = vault.deleted(name);
  if (!found) return notFound(name);
  if (call.method === 'GET' && detail === '') return ok(deletedSecret(call.url.origin, found, true));
  if (call.method === 'DELETE' && detail === '') {
    vault.purge(name);
    return { status: 204 };
  }
  if (call.method === 'POST' && detail === 'recover') {
    vault.recover(name);
    return ok(described(call.url.origin, latest(found.versions), true));
  }
  return methodNotAllowed();
}

function listSecrets({ vault, call }: Target): Reply {
  if (call.method !== 'GET') return methodNotAllowed();
  return page(
    call,
    vault.all().map((versions) => described(call.url.origin, latest(versions), false)),
  );
}

function listVersions({ vault, call, name }: Target): Reply {
  const versions = vault.versions(name);
  if (!versions) return notFound(name);
  return page(
    call,
    versions.map((version) => described(call.url.origin, version, true)),
  );
}

function listDeleted({ vault, call }: Target): Reply {
  if (call.method !== 'GET') return methodNotAllowed();
  return page(
    call,
    vault.allDeleted().map((entry) => deletedSecret(call.url.origin, entry, false)),
  );
}

function page(call: Call, items: readonly unknown[]): Reply {
  const size = Number(call.url.searchParams.get('maxresults') ?? LARGEST_PAGE);
  if (!Number.isInteger(size) || size < 1 || size > LARGEST_PAGE)
    return failure(400, 'BadParameter', `maxresults must be between 1 and ${LARGEST_PAGE}.`);
  const start = Number(call.url.searchParams.get('$skiptoken') ?? 0);
  const end = start + size;
  const next = new URL(call.url);
  next.searchParams.set('$skiptoken', String(end));
  next.searchParams.set('maxresults', String(size));
  return ok({ value: items.slice(start, end), nextLink: end < items.length ? next.href : null });
}

const methodNotAllowed = () => failure(405, 'MethodNotAllowed', 'The path does not take this method.');
