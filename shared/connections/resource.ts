import { DAY } from '../clock.ts';
import { explain, wireReason } from '../connection-reasons.ts';
import type { WhoActs } from '../errors.ts';
import type { Application } from './application.ts';
import type { Connection } from './connection.ts';
import { troubleAt } from './lifetimes.ts';

/** A connection as the API shows it. Never a secret's name. */
export interface ConnectionResource {
  readonly connectionId: string;
  readonly customerId: string;
  readonly displayName: string;
  readonly status: string;
  /** A code of docs/errors.md; of a mailbox that Graph refused, Graph's. */
  readonly reason?: string;
  /** What that means and what to do, where the connection does not work. */
  readonly trouble?: { readonly meaning: string; readonly whoActs: WhoActs; readonly action: string };
  readonly mailbox: { readonly signInName: string; readonly tenantId: string; readonly objectId: string };
  readonly application: {
    readonly kind: 'serviceProvider' | 'customerOwned';
    readonly clientId: string;
    readonly tenantId: string;
    /** ISO date. */
    readonly secretExpiresOn?: string;
    readonly secretExpiryAssumed?: true;
  };
  readonly linkedAt: string;
  readonly lastProvenAt: string;
  /** Days until the link dies by itself if nothing is done; 0 when it does not work now. */
  readonly daysToTrouble: number;
  readonly onUncertain: string;
  readonly alertAddress?: string;
  readonly lane?: { readonly waiting: number; readonly pausedUntil?: string; readonly expectedFinish?: string };
}

/** @param application the row of a customer-owned application */
export function connectionResource(
  connection: Connection,
  application: Application | undefined,
  now: Date,
  lane?: ConnectionResource['lane'],
): ConnectionResource {
  return {
    connectionId: connection.connectionId,
    customerId: connection.customerId,
    displayName: connection.displayName,
    status: connection.status,
    ...(connection.reason && { reason: wireReason(connection.status, connection.reason) }),
    ...troubleOf(connection),
    mailbox: {
      signInName: connection.signInName,
      tenantId: connection.tenantId,
      objectId: connection.objectId,
    },
    application: {
      kind: connection.kind,
      clientId: connection.clientId,
      tenantId: connection.tenantId,
      ...(application && { secretExpiresOn: application.secretExpiresOn }),
      ...(application?.secretExpiryAssumed && { secretExpiryAssumed: true }),
    },
    linkedAt: connection.linkedAt,
    lastProvenAt: connection.lastProvenAt,
    daysToTrouble: daysToTrouble(connection, application, now),
    onUncertain: connection.onUncertain,
    ...(connection.alertAddress && { alertAddress: connection.alertAddress }),
    ...(lane && { lane }),
  };
}

function troubleOf({ status, reason }: Connection): Pick<ConnectionResource, 'trouble'> {
  const found = explain(status, reason);
  if (!found) return {};
  const { meaning, whoActs, action } = found;
  return { trouble: { meaning, whoActs, action } };
}

/** The nearer of the refresh token's end and the client secret's. An assumed expiry is never counted. */
export function daysToTrouble(connection: Connection, application: Application | undefined, now: Date): number {
  if (connection.status !== 'connected' && connection.status !== 'paused') return 0;
  return Math.max(0, Math.floor((troubleAt(connection, application).getTime() - now.getTime()) / DAY));
}
