import * as z from 'zod';
import { DAY, later } from '../clock.ts';
import { AppError } from '../errors.ts';
import { newSecretName } from '../ids.ts';
import { linkErrorOf } from '../linking/microsoft-errors.ts';
import { clientSecret, expiryDate } from '../linking/requests.ts';
import type { Invocation } from '../log.ts';
import { MicrosoftError } from '../microsoft/identity-platform.ts';
import { type Application, type ApplicationChange, ASSUMED_SECRET_DAYS, isRotating } from './application.ts';
import { type ApplicationResource, applicationResource, requireApplication } from './application-resource.ts';
import type { ConnectionsDeps } from './deps.ts';
import { clientSecretTags } from './secret-tags.ts';

/** Body of `PUT customers/{customerId}/applications/{clientId}/secret`. */
export const rotateSecretSchema = z.strictObject({ clientSecret, clientSecretExpiresOn: expiryDate.optional() });
export type RotateSecretRequest = z.infer<typeof rotateSecretSchema>;

/**
 * Gives a customer-owned application a new secret, without anybody linking again. The secret is proven first; one that
 * Microsoft refuses changes nothing. The one before stays as fallback for a day.
 *
 * Order of writes: the row names the new secret (`pendingSecretName`) → the vault gets it → the row takes it over, and
 * the application's connections follow. Killed in between, the next rotation or the daily check deletes what is pending.
 * Called again with the same secret, it changes nothing but the date.
 * @throws {AppError} not_found, rotation_in_progress, or what Microsoft says of the secret
 */
export async function rotateSecret(
  deps: ConnectionsDeps,
  customerId: string,
  clientId: string,
  request: RotateSecretRequest,
  invocation: Invocation,
): Promise<ApplicationResource> {
  const application = await requireApplication(deps, customerId, clientId);
  await prove(deps, application, request.clientSecret);
  const kept = await deps.secrets.get(application.secretName, clientSecretTags(customerId, application.clientId));
  const rotated =
    kept === request.clientSecret
      ? await confirm(deps, application, request)
      : await replace(deps, application, request);
  invocation.log.event('application.secret_set', { customerId, clientId: application.clientId });
  return applicationResource(rotated);
}

async function prove(deps: ConnectionsDeps, { clientId, tenantId }: Application, value: string): Promise<void> {
  try {
    await deps.identity.proveApplication({ clientId, proof: { kind: 'secret', value } }, tenantId);
  } catch (error) {
    if (!(error instanceof MicrosoftError)) throw error;
    const code = linkErrorOf(error.facts);
    throw new AppError(code, {
      ...(code === 'microsoft_unavailable' && { retryAfterSeconds: error.facts.retryAfterSeconds ?? 60 }),
      cause: error,
    });
  }
}

function expiryOf(deps: ConnectionsDeps, { clientSecretExpiresOn: given }: RotateSecretRequest) {
  const assumed = later(deps.clock.now(), ASSUMED_SECRET_DAYS * DAY)
    .toISOString()
    .slice(0, 10);
  return { secretExpiresOn: given ?? assumed, secretExpiryAssumed: given === undefined };
}

/**
 * The application has this very secret: it is proven once more, and may have got a date. The vault shows the date, so it
 * is told first; warnings count from the date, so another one begins them anew.
 */
async function confirm(
  deps: ConnectionsDeps,
  { customerId, clientId, secretName, secretExpiresOn, secretExpiryAssumed }: Application,
  request: RotateSecretRequest,
): Promise<Application> {
  const { clientSecretExpiresOn: date } = request;
  const isNew = date !== undefined && (date !== secretExpiresOn || secretExpiryAssumed);
  if (isNew)
    await deps.secrets.set(secretName, request.clientSecret, clientSecretTags(customerId, clientId), new Date(date));
  const dated = isNew ? expiryOf(deps, request) : {};
  const written = await deps.applicationHealth.follow(customerId, clientId, () =>
    deps.applications.put(customerId, clientId, (current) =>
      current?.secretName === secretName && !current.removingSince
        ? { ...dated, broken: false, brokenReason: '' }
        : undefined,
    ),
  );
  if (written) return written;
  await requireApplication(deps, customerId, clientId);
  throw new AppError('rotation_in_progress', { retryAfterSeconds: 5 });
}

async function replace(
  deps: ConnectionsDeps,
  application: Application,
  request: RotateSecretRequest,
): Promise<Application> {
  const { customerId, clientId } = application;
  const name = newSecretName('client-secret');
  await reserve(deps, application, name);
  const { clientSecretExpiresOn: date } = request;
  await deps.secrets.set(
    name,
    request.clientSecret,
    clientSecretTags(customerId, application.clientId),
    date === undefined ? undefined : new Date(date),
  );
  const adopted = await deps.applicationHealth.follow(customerId, clientId, () =>
    deps.applications.put(customerId, clientId, (current) => adopt(deps, current, name, request)),
  );
  if (adopted) return adopted;
  // Took so long that somebody else called it dead; its secret is nobody's.
  await deps.secrets.remove(name, clientSecretTags(customerId, clientId));
  await requireApplication(deps, customerId, clientId);
  throw new AppError('rotation_in_progress', { retryAfterSeconds: 5 });
}

/** Names the new secret in the row. Whatever a dead rotation left is deleted before its name is forgotten. */
async function reserve(deps: ConnectionsDeps, { customerId, clientId }: Application, name: string): Promise<void> {
  const reserved = await deps.applications.put(customerId, clientId, async (current) => {
    if (!current || current.removingSince) return undefined;
    if (isRotating(current, deps.clock.now())) throw new AppError('rotation_in_progress', { retryAfterSeconds: 5 });
    if (current.pendingSecretName)
      await deps.secrets.remove(current.pendingSecretName, clientSecretTags(customerId, clientId));
    return { pendingSecretName: name, pendingSince: deps.clock.now().toISOString() };
  });
  if (!reserved) throw new AppError('not_found');
}

/** What the row is about to forget is deleted first, and only then is that very row written. */
async function adopt(
  deps: ConnectionsDeps,
  current: Application | undefined,
  name: string,
  request: RotateSecretRequest,
): Promise<ApplicationChange | undefined> {
  if (current?.pendingSecretName !== name || current.removingSince) return undefined;
  const tags = clientSecretTags(current.customerId, current.clientId);
  if (current.previousSecretName) await deps.secrets.remove(current.previousSecretName, tags);
  const now = deps.clock.now().toISOString();
  return {
    secretName: name,
    secretSetAt: now,
    previousSecretName: current.secretName,
    previousRetiredAt: now,
    pendingSecretName: '',
    pendingSince: '',
    vault: new URL(deps.config.keyVaultUrl).host,
    broken: false,
    brokenReason: '',
    ...expiryOf(deps, request),
  };
}
