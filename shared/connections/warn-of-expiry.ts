import { DAY } from '../clock.ts';
import type { Log } from '../log.ts';
import { eventRow } from '../mail/events.ts';
import { type Application, applicationEvent } from './application.ts';
import type { ConnectionsDeps } from './deps.ts';

/** Days before a client secret's end at which it is told of. */
export const WARN_DAYS = [1, 7, 14, 30, 60] as const;

/**
 * Tells that an application's client secret is about to expire: once per threshold and date of expiry. So the same secret,
 * entered once more with a new link, is not told anew, and a true date in place of an assumed one is. After an outage, the
 * nearest threshold alone is told. An expiry that was assumed is told as such: it asks for the true date.
 * @param alertAddress of the connection that is being checked; without one, that of another of the application's
 */
export async function warnOfExpiry(
  deps: Pick<ConnectionsDeps, 'applications' | 'applicationOutbox' | 'clock' | 'connections'>,
  application: Application,
  alertAddress: string,
  log: Log,
): Promise<void> {
  const { customerId, clientId, secretName, secretExpiresOn, secretExpiryAssumed, broken } = application;
  const now = deps.clock.now();
  const daysLeft = (Date.parse(secretExpiresOn) - now.getTime()) / DAY;
  const threshold = WARN_DAYS.find((days) => daysLeft <= days);
  if (broken || threshold === undefined || wasWarned(application, threshold)) return;
  const address = alertAddress || (await deps.connections.anyAlertAddress(customerId, clientId));
  const data = {
    customerId,
    clientId,
    reason: 'secret_expiring',
    expiresOn: secretExpiresOn,
    daysLeft: Math.max(0, Math.ceil(daysLeft)),
    ...(secretExpiryAssumed && { assumed: true as const }),
    ...(address && { alertAddress: address }),
  };
  // The date is part of what is told: another one for the same secret is told anew.
  const key = `expiring-${clientId}-${secretName}-${secretExpiresOn}-${threshold}`;
  const moved = await deps.applications.put(
    customerId,
    clientId,
    (row) =>
      row?.secretName === secretName && row.secretExpiresOn === secretExpiresOn && !wasWarned(row, threshold)
        ? { warnedExpiry: secretExpiresOn, warnedDays: threshold }
        : undefined,
    applicationEvent(eventRow(key, 'application.secret_expiring', data, now)),
  );
  if (moved) {
    const fields = { customerId, clientId, daysLeft: data.daysLeft, assumed: secretExpiryAssumed };
    log.warning('application.secret_expiring', fields);
  }
  await deps.applicationOutbox.flush(customerId);
}

function wasWarned({ warnedExpiry, warnedDays, secretExpiresOn }: Application, threshold: number): boolean {
  return warnedExpiry === secretExpiresOn && warnedDays <= threshold;
}
