import { timingSafeEqual } from 'node:crypto';
import { type Application, CONSUMERS_TENANT, type Directory } from '../directory.ts';

interface Secret {
  readonly value: string;
  expired: boolean;
}

/** The app registrations with what changes while the sandbox runs: secrets, being disabled, service principals. */
export class Applications {
  private readonly registered: ReadonlyMap<string, Application>;
  private readonly secrets: ReadonlyMap<string, Secret[]>;
  private readonly disabled = new Set<string>();
  private readonly servicePrincipals: Set<string>;
  private readonly managedIdentity: string;
  /** Subject that the service provider's federated credential names: the managed identity's principal id. */
  trustedSubject: string;

  constructor(directory: Directory) {
    const all: readonly Application[] = Object.values(directory.applications);
    this.managedIdentity = directory.managedIdentity.principalId;
    this.trustedSubject = this.managedIdentity;
    this.registered = new Map(all.map((application) => [application.clientId, application]));
    this.secrets = new Map(
      all.map(({ clientId, clientSecret }) => [clientId, [{ value: clientSecret, expired: false }]]),
    );
    this.servicePrincipals = new Set(all.map(({ clientId, tenantId }) => `${clientId}|${tenantId}`));
  }

  find(clientId: string): Application | undefined {
    return this.registered.get(clientId.toLowerCase());
  }

  checkSecret(clientId: string, value: string): 'right' | 'expired' | 'wrong' {
    const secret = this.secretsOf(clientId).find((candidate) => sameText(candidate.value, value));
    if (!secret) return 'wrong';
    return secret.expired ? 'expired' : 'right';
  }

  addSecret(clientId: string, value: string): void {
    this.secretsOf(clientId).push({ value, expired: false });
  }

  /** Every secret that the application has now. */
  expireSecrets(clientId: string): void {
    for (const secret of this.secretsOf(clientId)) secret.expired = true;
  }

  disable(clientId: string): void {
    this.disabled.add(this.known(clientId).clientId);
  }

  isDisabled({ clientId }: Application): boolean {
    return this.disabled.has(clientId);
  }

  /** The first consent in a tenant makes the application's service principal there. */
  install({ clientId }: Application, tenantId: string): void {
    if (tenantId !== CONSUMERS_TENANT) this.servicePrincipals.add(`${clientId}|${tenantId}`);
  }

  isInstalled({ clientId }: Application, tenantId: string): boolean {
    return this.servicePrincipals.has(`${clientId}|${tenantId}`);
  }

  restore(): void {
    this.disabled.clear();
    this.trustedSubject = this.managedIdentity;
    for (const secret of [...this.secrets.values()].flat()) secret.expired = false;
  }

  private secretsOf(clientId: string): Secret[] {
    return this.secrets.get(this.known(clientId).clientId) ?? [];
  }

  private known(clientId: string): Application {
    const application = this.find(clientId);
    if (!application) throw new Error(`No application has the client ID ${clientId}.`);
    return application;
  }
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
