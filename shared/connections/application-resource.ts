import { wireReason } from '../connection-reasons.ts';
import { AppError } from '../errors.ts';
import { isGuid } from '../ids.ts';
import type { Application } from './application.ts';
import type { ConnectionsDeps } from './deps.ts';

/** A customer-owned application as the API shows it. Never a secret's name. */
export interface ApplicationResource {
  readonly customerId: string;
  readonly clientId: string;
  readonly tenantId: string;
  /** `broken`: Microsoft refuses its secret, and all its connections stand still. */
  readonly status: 'working' | 'broken';
  readonly reason?: string;
  readonly secretSetAt: string;
  /** ISO date. */
  readonly secretExpiresOn: string;
  /** Nobody gave a date: 730 days are assumed. */
  readonly secretExpiryAssumed?: true;
}

export function applicationResource(application: Application): ApplicationResource {
  const { broken, brokenReason } = application;
  return {
    customerId: application.customerId,
    clientId: application.clientId,
    tenantId: application.tenantId,
    status: broken ? 'broken' : 'working',
    ...(broken && brokenReason && { reason: wireReason('broken', brokenReason) }),
    secretSetAt: application.secretSetAt,
    secretExpiresOn: application.secretExpiresOn,
    ...(application.secretExpiryAssumed && { secretExpiryAssumed: true }),
  };
}

/** A page of a customer's own applications. RoboMQ's is none of them. */
export async function listApplications(deps: ConnectionsDeps, customerId: string, limit: number, after?: string) {
  const page = await deps.applications.page(customerId, limit, after);
  // One that is being removed shows no application any more.
  const shown = page.applications.filter(({ removingSince }) => removingSince === '');
  return { items: shown.map(applicationResource), ...(page.next && { next: page.next }) };
}

/** @throws {AppError} not_found, also for another customer's */
export async function requireApplication(
  deps: ConnectionsDeps,
  customerId: string,
  clientId: string,
): Promise<Application> {
  // Rows are keyed in lower case, as Microsoft writes client ids in tokens.
  const application = isGuid(clientId) ? await deps.applications.get(customerId, clientId.toLowerCase()) : undefined;
  if (!application || application.removingSince) throw new AppError('not_found');
  return application;
}
