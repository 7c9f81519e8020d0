/** Requests of one mailbox that are being served, and how it has been used. */
interface Usage {
  sent: number;
  maxInFlight: number;
  /** Requests in flight by application: the limit holds for each pair of application and mailbox. */
  readonly inFlight: Map<string, number>;
}

export interface MailboxStats {
  readonly address: string;
  readonly sent: number;
  readonly maxInFlight: number;
}

/** Counts requests in flight and mails sent by mailbox. */
export class InFlight {
  private readonly usage = new Map<string, Usage>();

  /** Counts a request in. Returns how many its application now has in flight for the mailbox, and how to count it out. */
  enter(address: string, clientId: string): { readonly inFlight: number; leave(): void } {
    const usage = this.of(address);
    const inFlight = (usage.inFlight.get(clientId) ?? 0) + 1;
    usage.inFlight.set(clientId, inFlight);
    const total = [...usage.inFlight.values()].reduce((sum, count) => sum + count, 0);
    usage.maxInFlight = Math.max(usage.maxInFlight, total);
    return {
      inFlight,
      leave: () => {
        usage.inFlight.set(clientId, (usage.inFlight.get(clientId) ?? 1) - 1);
      },
    };
  }

  countSent(address: string): void {
    this.of(address).sent += 1;
  }

  stats(): MailboxStats[] {
    return [...this.usage].map(([address, { sent, maxInFlight }]) => ({ address, sent, maxInFlight }));
  }

  private of(address: string): Usage {
    const known = this.usage.get(address);
    if (known) return known;
    const fresh: Usage = { sent: 0, maxInFlight: 0, inFlight: new Map() };
    this.usage.set(address, fresh);
    return fresh;
  }
}
