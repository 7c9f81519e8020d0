import { type Clock, HOUR } from '../clock.ts';
import type { Log } from '../log.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Connection, ConnectionStore } from './connection.ts';

export interface TenantRefusalsDeps {
  readonly clock: Clock;
  readonly connections: ConnectionStore;
  readonly tokens: Pick<AccessTokens, 'ask'>;
}

/** Connections of other tenants that are asked: one of them may have died itself. */
const ASKED = 3;
/** Once a tenant is known to refuse, its other connections need no proof of their own for this long. */
const KNOWN_FOR_MS = HOUR;
/** Bound on memory. */
const MAX_KNOWN = 1_000;

/**
 * Tells a tenant that refuses RoboMQ's application, or is gone, from an application that Microsoft refuses everywhere.
 * Both say the same (`unauthorized_client`); only the first is a matter of the customer. The proof is a token that
 * Microsoft gives for another tenant at this very moment: one of an hour ago would be taken for it in an outage that
 * began since.
 */
export class TenantRefusals {
  private readonly deps: TenantRefusalsDeps;
  /** Monotonic times until which tenants are known to refuse, by application and tenant. */
  private readonly known = new Map<string, number>();

  constructor(deps: TenantRefusalsDeps) {
    this.deps = deps;
  }

  /** Whether it is the tenant that refused `connection` a moment ago. False where no other tenant can be asked. */
  async isTenants(connection: Connection, log: Log): Promise<boolean> {
    const { clock, connections, tokens } = this.deps;
    const key = `${connection.clientId}|${connection.tenantId}`;
    if ((this.known.get(key) ?? 0) > clock.monotonic()) return true;
    for (const other of await connections.connectedElsewhere(connection, ASKED)) {
      if ((await tokens.ask(other, log)).kind !== 'token') continue;
      if (this.known.size >= MAX_KNOWN) this.known.clear();
      this.known.set(key, clock.monotonic() + KNOWN_FOR_MS);
      return true;
    }
    return false;
  }
}
