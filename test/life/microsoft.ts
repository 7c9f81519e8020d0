import {
  MicrosoftError,
  type RedeemRequest,
  type RefreshRequest,
  type SignIn,
  type Tokens,
} from '../../shared/microsoft/identity-platform.ts';
import { FakeIdentity } from '../fakes/microsoft.ts';

const DAY = 86_400_000;

interface Grant {
  readonly account: string;
  readonly clientId: string;
  readonly issuedAt: number;
  /** Of a sign-in: all tokens that came from it die with it. */
  readonly family: { revoked: boolean };
  readonly serial: number;
  used: boolean;
}

export interface Application {
  /** Value → when it expires. */
  readonly secrets: Map<string, number>;
  enabled: boolean;
}

/**
 * Entra's rules, as far as links live by them: a refresh token lives 90 days from its issue, each use yields another one,
 * the old one stays valid (unless `strict`); revoking ends every token of an account; a disabled account gets none until
 * it is enabled again; a secret expires; an application can be disabled.
 */
export class Entra extends FakeIdentity {
  readonly disabled = new Set<string>();
  readonly applications = new Map<string, Application>();
  down = false;
  /** RoboMQ's own application is refused, for everybody. */
  refusesRobomq = false;
  strict = false;
  private readonly grants = new Map<string, Grant>();
  /** When tokens were given, per account. */
  private readonly given = new Map<string, number[]>();
  private readonly clock: () => Date;
  private serial = 0;

  constructor(now: () => Date) {
    super(now);
    this.clock = now;
  }

  revoke(account: string): void {
    for (const grant of this.grants.values()) if (grant.account === account) grant.family.revoked = true;
  }

  /** Whether a token was given for the account between the two times. */
  gaveToken(account: string, from: number, to: number): boolean {
    return (this.given.get(account) ?? []).some((at) => at >= from && at <= to);
  }

  /** The newest refresh token of an account; the only good one where old ones die with their use. */
  newest(account: string): string | undefined {
    let newest: [token: string, serial: number] | undefined;
    for (const [token, grant] of this.grants)
      if (grant.account === account && grant.serial > (newest?.[1] ?? 0)) newest = [token, grant.serial];
    return newest?.[0];
  }

  override async redeem(request: RedeemRequest): Promise<SignIn> {
    this.admit(request.credential);
    const signIn = await super.redeem(request);
    const account = String(signIn.claims.oid);
    if (this.disabled.has(account)) throw refusal('invalid_grant', 50057);
    const refreshToken = this.issue(account, request.credential.clientId, { revoked: false });
    this.redeemed.splice(0);
    return { ...signIn, refreshToken };
  }

  override async refresh(request: RefreshRequest): Promise<Tokens> {
    this.admit(request.credential);
    const grant = this.grants.get(request.refreshToken);
    if (!grant || grant.clientId !== request.credential.clientId) throw refusal('invalid_grant', 70000);
    if (this.disabled.has(grant.account)) throw refusal('invalid_grant', 50057);
    if (grant.family.revoked) throw refusal('invalid_grant', 50173);
    const now = this.clock().getTime();
    if (grant.issuedAt + 90 * DAY < now) throw refusal('invalid_grant', 700082);
    if (this.strict && grant.used) throw refusal('invalid_grant', 70000);
    grant.used = true;
    this.serial += 1;
    return {
      accessToken: `at-${this.serial}`,
      expiresAt: new Date(now + 3_600_000),
      refreshToken: this.issue(grant.account, grant.clientId, grant.family),
    };
  }

  /** What is too old to matter is forgotten, or a long run would fill the memory. */
  forget(): void {
    const now = this.clock().getTime();
    for (const [token, { issuedAt }] of this.grants) if (issuedAt + 95 * DAY < now) this.grants.delete(token);
    for (const [account, times] of this.given) {
      const lately = times.filter((at) => at + 10 * DAY > now);
      this.given.set(account, lately);
    }
  }

  private admit({ clientId, proof }: RefreshRequest['credential']): void {
    if (this.down) throw new MicrosoftError({ error: 'network_error' });
    if (proof.kind === 'federated') {
      if (this.refusesRobomq) throw refusal('invalid_client', 700213);
      return;
    }
    const application = this.applications.get(clientId);
    if (!application) throw refusal('unauthorized_client', 700016);
    if (!application.enabled) throw refusal('unauthorized_client', 7000112);
    const expiresAt = application.secrets.get(proof.value);
    if (expiresAt === undefined) throw refusal('invalid_client', 7000215);
    if (expiresAt <= this.clock().getTime()) throw refusal('invalid_client', 7000222);
  }

  private issue(account: string, clientId: string, family: Grant['family']): string {
    this.serial += 1;
    const token = `rt-${this.serial}`;
    const issuedAt = this.clock().getTime();
    this.grants.set(token, { account, clientId, issuedAt, family, serial: this.serial, used: false });
    this.given.set(account, [...(this.given.get(account) ?? []), issuedAt]);
    return token;
  }
}

function refusal(error: string, number: number): MicrosoftError {
  return new MicrosoftError({ error, number, status: error === 'invalid_grant' ? 400 : 401 });
}
