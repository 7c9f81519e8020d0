/**
 * Every queue, table and container of the data storage account, named once: the code uses these names, start-up creates
 * them in the sandbox, and the tests of `infra` hold Bicep equal to this list.
 */
export const QUEUES = {
  /** Producers put mail here. */
  mail: 'outlook-mail',
  /** Tickets that wake a lane; ours alone. */
  lanes: 'outlook-lanes',
  /** CloudEvents out, plain JSON. */
  events: 'outlook-events',
  /** One message per connection that is due for its check, and per stale link. */
  checks: 'outlook-work-checks',
} as const;

/** Queues that a function of ours reads, each of which gets a poison queue from the host. */
export const POISON_QUEUES = [`${QUEUES.mail}-poison`, `${QUEUES.lanes}-poison`, `${QUEUES.checks}-poison`] as const;

export const TABLES = {
  links: 'links',
  connections: 'connections',
  applications: 'applications',
  mails: 'mails',
} as const;

export const CONTAINERS = {
  /** What producers upload: `{customerId}/{connectionId}/…`. */
  drop: 'mail-drop',
  /** Content over the row limit; lives as long as the waiting row. */
  content: 'mail-content',
  /** Queue messages that cannot be read or belong to nobody. */
  rejected: 'rejected-mail',
} as const;
