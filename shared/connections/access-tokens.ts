import { type Clock, HOUR, later, MINUTE } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import {
  type ApplicationCredential,
  type IdentityPlatform,
  MicrosoftError,
  type Tokens,
} from '../microsoft/identity-platform.ts';
import { SingleFlight } from '../single-flight.ts';
import { type Secrets, StoreUnavailable } from '../storage/ports.ts';
import type { Application, ApplicationStore } from './application.ts';
import type { ApplicationCredentials } from './application-credentials.ts';
import type { ApplicationHealth } from './application-health.ts';
import type { Connection, ConnectionStore } from './connection.ts';
import { refreshTokenTags } from './secret-tags.ts';
import { type Proof, recordProof } from './write-back.ts';

/** An access token, or why there is none. */
export type TokenResult =
  | { readonly kind: 'token'; readonly accessToken: string; readonly connection: Connection }
  /** Microsoft wants the person to sign in again; asked twice, with what the store holds now. */
  | { readonly kind: 'needs_relink'; readonly reason: string; readonly connection: Connection }
  /** Microsoft refuses the customer's application, with the current and the previous secret. */
  | {
      readonly kind: 'broken';
      readonly reason: string;
      readonly connection: Connection;
      /** As it was refused; absent when it has no row. */
      readonly application?: Application;
    }
  /** The connection is being removed, or gone. */
  | { readonly kind: 'removed' }
  /** Somebody has a bad minute. Never changes a status by itself. */
  | {
      readonly kind: 'wait';
      readonly reason: string;
      readonly waitMs?: number;
      /** What Microsoft said, where it may be the connection's tenant alone that refuses: see `TenantRefusals`. */
      readonly tenantRefusal?: string;
    };

interface Kept {
  readonly credentialVersion: number;
  readonly tokens: Tokens;
  /** Monotonic time at which Microsoft was asked. */
  readonly askedAt: number;
}

export interface AccessTokensDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly connections: ConnectionStore;
  readonly applications: ApplicationStore;
  readonly applicationHealth: ApplicationHealth;
  readonly credentials: ApplicationCredentials;
  readonly secrets: Secrets;
  readonly identity: IdentityPlatform;
}

/** A token is renewed when it has less than this left. */
const RENEW_BEFORE_MS = 5 * MINUTE;
/** A check asks Microsoft unless it was asked less than this ago: any later, and a dead link could go unseen for two days. */
const PROVEN_WITHIN_MS = HOUR;
/** Whoever asks for more is asked again all the same: an answer of the vault or the token endpoint stops no lane for a day. */
const LONGEST_WAIT_MS = HOUR;
/** Bound on memory: an entry has about 5 KB. */
const MAX_KEPT = 5_000;

/**
 * Access tokens per connection, in memory only, with the refresh token beside them: in steady state neither the vault
 * nor the token endpoint is asked. An entry is worth nothing once `credentialVersion` has moved.
 */
export class AccessTokens {
  private readonly deps: AccessTokensDeps;
  private readonly kept = new Map<string, Kept>();
  private readonly refreshes = new SingleFlight<TokenResult>();

  constructor(deps: AccessTokensDeps) {
    this.deps = deps;
  }

  /**
   * A token for a connection. Concurrent calls share one refresh.
   * @param refused Graph refused this access token: it is not used again
   */
  async get(connection: Connection, log: Log, refused?: string): Promise<TokenResult> {
    const accessToken = this.remembered(connection);
    if (accessToken !== undefined && accessToken !== refused) return { kind: 'token', accessToken, connection };
    return this.shared(connection, log, false);
  }

  /** Whether this instance has a token for a connection, and need ask nobody for it. */
  has(connection: Connection): boolean {
    return this.remembered(connection) !== undefined;
  }

  private remembered({ connectionId, credentialVersion }: Connection): string | undefined {
    const kept = this.kept.get(connectionId);
    const fresh =
      kept?.credentialVersion === credentialVersion &&
      kept.tokens.expiresAt > later(this.deps.clock.now(), RENEW_BEFORE_MS);
    return fresh ? kept.tokens.accessToken : undefined;
  }

  /**
   * Proves that a connection's credentials work: asks Microsoft, unless that was done within the hour, and records it.
   * Where a link is said to be dead, what this instance remembers from before proves nothing.
   */
  async prove(connection: Connection, log: Log): Promise<TokenResult> {
    const kept = this.kept.get(connection.connectionId);
    const recent =
      connection.status !== 'needs_relink' &&
      connection.status !== 'broken' &&
      kept?.credentialVersion === connection.credentialVersion &&
      this.deps.clock.monotonic() - kept.askedAt < PROVEN_WITHIN_MS;
    if (recent) return { kind: 'token', accessToken: kept.tokens.accessToken, connection };
    return this.ask(connection, log);
  }

  /** Asks Microsoft now, whatever is remembered, and records what that proves. */
  async ask(connection: Connection, log: Log): Promise<TokenResult> {
    return this.shared(connection, log, true);
  }

  private shared(connection: Connection, log: Log, always: boolean): Promise<TokenResult> {
    const key = `${connection.connectionId}|${connection.credentialVersion}`;
    return this.refreshes.run(key, () => this.refresh(connection, log, always));
  }

  private async refresh(connection: Connection, log: Log, always: boolean): Promise<TokenResult> {
    try {
      const first = await this.attempt(connection, log, always, false);
      if (first.kind !== 'needs_relink' && first.kind !== 'broken') return first;
      // Before a link is called dead, look once at what the store holds now: another instance may have renewed it.
      this.expire(connection);
      const current = await this.deps.connections.get(connection.customerId, connection.connectionId);
      if (!current || current.status === 'removing') return { kind: 'removed' };
      const second = await this.attempt(current, log, always, true);
      const drawn = second.kind === 'needs_relink' ? await this.fromDrawnName(current, log, always) : undefined;
      return drawn?.kind === 'token' || drawn?.kind === 'wait' ? drawn : spared(second);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return { kind: 'wait', reason: 'store_unavailable', ...waitOf(error.retryAfterSeconds) };
    }
  }

  /**
   * A token that was stored under a new name by somebody who died before the row had moved to it. Where old tokens die
   * with their use it is the only good one. @returns undefined when there is none
   */
  private async fromDrawnName(connection: Connection, log: Log, always: boolean): Promise<TokenResult | undefined> {
    const { customerId, connectionId, nextSecretName } = connection;
    if (nextSecretName === '') return undefined;
    const refreshToken = await this.deps.secrets.get(nextSecretName, refreshTokenTags(customerId, connectionId));
    return refreshToken === undefined ? undefined : this.attempt(connection, log, always, true, refreshToken);
  }

  private async attempt(
    connection: Connection,
    log: Log,
    always: boolean,
    reread: boolean,
    given?: string,
  ): Promise<TokenResult> {
    const refreshToken = given ?? (await this.refreshToken(connection, reread));
    if (refreshToken === undefined) return { kind: 'needs_relink', reason: 'secret_missing', connection };
    const { customerId, clientId, kind } = connection;
    const application = kind === 'customerOwned' ? await this.deps.applications.get(customerId, clientId) : undefined;
    const proofs = this.proofs(connection, application, reread);
    let refusal: TokenResult | undefined;
    for await (const credential of proofs) {
      try {
        const { tenantId: tenant } = connection;
        const tokens = await this.deps.identity.refresh({ credential, tenant, refreshToken });
        const rotated = tokens.refreshToken !== '' && tokens.refreshToken !== refreshToken;
        this.keep(connection, tokens);
        const signInName = signInNameOf(connection, tokens);
        await this.record(
          { connection, refreshToken: tokens.refreshToken, rotated, always, ...(signInName && { signInName }) },
          log,
        );
        if (application?.broken) await this.deps.applicationHealth.recover(application, log);
        return { kind: 'token', accessToken: tokens.accessToken, connection };
      } catch (error) {
        if (!(error instanceof MicrosoftError)) throw error;
        refusal = refused(connection, application, error);
        log.event('token.refused', {
          connectionId: connection.connectionId,
          ...loggable(error),
          outcome: refusal.kind,
        });
        // Only a refused application is tried again with its previous secret.
        if (refusal.kind !== 'broken') return refusal;
      }
    }
    return refusal ?? broken(connection, application, 'secret_missing');
  }

  private async refreshToken(connection: Connection, reread: boolean): Promise<string | undefined> {
    const kept = reread ? undefined : this.kept.get(connection.connectionId);
    if (kept?.credentialVersion === connection.credentialVersion) return kept.tokens.refreshToken;
    const { customerId, connectionId, secretName, vault } = connection;
    const stored = await this.deps.secrets.get(secretName, refreshTokenTags(customerId, connectionId));
    // A setting that names another vault than the secrets lie in must not be taken for their loss.
    if (stored === undefined && vault !== '' && vault !== new URL(this.deps.config.keyVaultUrl).host)
      throw new StoreUnavailable(`key vault ${vault}, which the settings do not name,`);
    return stored;
  }

  /** What can prove the application, best first. Read one by one: the next is asked for only when one was refused. */
  private async *proofs(
    connection: Connection,
    application: Application | undefined,
    reread: boolean,
  ): AsyncGenerator<ApplicationCredential> {
    const { credentials } = this.deps;
    if (connection.kind === 'serviceProvider') {
      const credential = await credentials.serviceProvider(reread);
      if (credential) yield credential;
      return;
    }
    const { customerId, clientId } = connection;
    for (const name of [application?.secretName, application?.previousSecretName]) {
      const credential = name ? await credentials.customerOwned(customerId, clientId, name, reread) : undefined;
      if (credential) yield credential;
    }
  }

  private keep(connection: Connection, tokens: Tokens): void {
    const { connectionId, credentialVersion } = connection;
    this.kept.delete(connectionId);
    // Oldest first: a Map keeps insertion order.
    if (this.kept.size >= MAX_KEPT) this.kept.delete(this.kept.keys().next().value ?? '');
    this.kept.set(connectionId, { credentialVersion, tokens, askedAt: this.deps.clock.monotonic() });
  }

  /**
   * What was refused proves nothing any more. The refresh token stays: it may be newer than the stored one, when the vault
   * did not take it, and work again when what stood in its way has passed.
   */
  private expire({ connectionId }: Connection): void {
    const kept = this.kept.get(connectionId);
    if (!kept) return;
    const tokens = { ...kept.tokens, accessToken: '', expiresAt: new Date(0) };
    this.kept.set(connectionId, { ...kept, tokens, askedAt: Number.NEGATIVE_INFINITY });
  }

  /** The token is good whatever becomes of this; what could not be written now is written by a later refresh. */
  private async record(proof: Proof, log: Log): Promise<void> {
    try {
      await recordProof(this.deps, proof);
    } catch (error) {
      log.failure('token.proof_not_recorded', error, { connectionId: proof.connection.connectionId });
    }
  }
}

/** What the account is called now, where Microsoft says it with the token, and says it of this very account. */
function signInNameOf({ tenantId, objectId }: Connection, { claims }: Tokens): string | undefined {
  const { tid, oid, preferred_username: name } = claims ?? {};
  const isSame = tid?.toLowerCase() === tenantId && oid?.toLowerCase() === objectId;
  return isSame ? name?.slice(0, 320) : undefined;
}

/** Decided on `error`; suberror and AADSTS number are kept for the wording alone. */
function refused(connection: Connection, application: Application | undefined, error: MicrosoftError): TokenResult {
  const { error: code, suberror, number, retryAfterSeconds } = error.facts;
  if (error.transient) return { kind: 'wait', reason: `token_endpoint_${code}`, ...waitOf(retryAfterSeconds) };
  // Microsoft's own words, as evidence; `connection-reasons.ts` makes of them what people read.
  const reason = [code, suberror, number].filter((part) => part !== undefined && part !== '').join('_');
  if (code === 'invalid_client' || code === 'unauthorized_client') return broken(connection, application, reason);
  if (DEMANDS_A_PERSON.has(code)) return { kind: 'needs_relink', reason, connection };
  // Our own mistake, or somebody's between Microsoft and us: a link is not called dead for that.
  return { kind: 'wait', reason, ...(number === TENANT_NOT_FOUND && { tenantRefusal: reason }) };
}

/** What Microsoft answers when a person has to come back. https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow */
const DEMANDS_A_PERSON: ReadonlySet<string> = new Set([
  'invalid_grant',
  'interaction_required',
  'consent_required',
  'login_required',
]);
/** It comes as `invalid_request`, as our own mistakes do. */
const TENANT_NOT_FOUND = 90002;
/** No principal of the application in the tenant; it comes as `invalid_client`, as refused secrets do. */
const NO_PRINCIPAL = /_7000229$/;

function broken(connection: Connection, application: Application | undefined, reason: string): TokenResult {
  return { kind: 'broken', reason, connection, ...(application && { application }) };
}

/** RoboMQ's own application refused would be everybody's failure: lanes wait, an alert calls us, no status moves. */
function spared(result: TokenResult): TokenResult {
  if (result.kind !== 'broken' || result.connection.kind !== 'serviceProvider') return result;
  const { reason } = result;
  const perhapsTenants = reason.startsWith('unauthorized_client') || NO_PRINCIPAL.test(reason);
  return {
    kind: 'wait',
    reason: 'service_provider_credential_refused',
    ...(perhapsTenants && { tenantRefusal: reason }),
  };
}

function waitOf(retryAfterSeconds: number | undefined): { waitMs?: number } {
  return retryAfterSeconds === undefined ? {} : { waitMs: Math.min(retryAfterSeconds * 1000, LONGEST_WAIT_MS) };
}

function loggable(error: MicrosoftError) {
  const { error: code, suberror, number, status, correlationId } = error.facts;
  return { error: code, suberror, aadsts: number, status, microsoftCorrelationId: correlationId };
}
