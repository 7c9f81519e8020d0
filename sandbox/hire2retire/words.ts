import type { Connection, ConnectionStatus, Mail } from './api-client.ts';

export const STATUS_WORDS: Readonly<Record<ConnectionStatus, { word: string; meaning: string }>> = {
  connected: { word: 'Connected', meaning: 'Mail is sent through this mailbox.' },
  paused: { word: 'Paused', meaning: 'Mail waits until the connection is resumed.' },
  needs_relink: {
    word: 'Sign-in needed',
    meaning: 'Microsoft asks for a new sign-in. Link the same mailbox again; mail waits.',
  },
  no_mailbox: {
    word: 'No mailbox',
    meaning: 'The account has no Outlook mailbox. IT has to assign a licence; mail waits.',
  },
  blocked: {
    word: 'Blocked',
    meaning: 'Microsoft refuses to send for this mailbox. Mail waits, one is tried every hour.',
  },
  broken: {
    word: 'Application refused',
    meaning: 'The application’s client secret is refused. Mail waits for a new one.',
  },
};

const MAIL_WORDS: Readonly<Record<string, string>> = {
  queued: 'is queued',
  waiting: 'waits for its turn',
  held: 'is held',
  sending: 'is being sent',
  accepted: 'was accepted by Microsoft',
  rejected: 'was rejected',
  uncertain: 'may or may not have been sent',
  expired: 'expired before it could be sent',
  cancelled: 'was cancelled',
  dead: 'could not be processed',
};

/** What became of a mail, as the end of a sentence. Accepted is all that Microsoft ever says; "delivered" it never does. */
export function mailWords({ state, reason }: Mail): string {
  const words = MAIL_WORDS[state] ?? `is ${state}`;
  return reason === undefined ? words : `${words} (${reason})`;
}

export function applicationWords({ kind }: Connection['application']): string {
  return kind === 'serviceProvider' ? 'Service Provider Application' : 'Customer Owned Application';
}

/** `2026-05-04T09:30:12.345Z` as `2026-05-04 09:30 UTC`. */
export function time(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
