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

/** Queues that a function of ours is triggered by each get a poison queue from the host. We read the first two. */
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

/** What the host does to a queue that it triggers functions from; it also looks at the length to scale. */
const HOST_READS = ['Get Messages', 'Update Message', 'Delete Message', 'Peek Messages', 'Get Queue Metadata'] as const;
/** How a queue is measured. */
const MEASURED = ['Peek Messages', 'Get Queue Metadata'] as const;
const ROWS = ['Query Entities', 'Insert Entity', 'Update Entity', 'Delete Entity'] as const;

/**
 * Everything that the app, or the host in its name, does to data, in the words of the services' REST references. The
 * tests of `infra` hold the role assignments to this list, and a recorded run to both.
 */
export const DATA_OPERATIONS = {
  queues: {
    [QUEUES.mail]: HOST_READS,
    [QUEUES.lanes]: ['Put Message', ...HOST_READS],
    [QUEUES.events]: ['Put Message', ...MEASURED],
    [QUEUES.checks]: ['Put Message', ...HOST_READS],
    // The host puts a message here that failed too often.
    [POISON_QUEUES[0]]: ['Put Message', 'Get Messages', 'Delete Message', ...MEASURED],
    [POISON_QUEUES[1]]: ['Put Message', 'Get Messages', 'Delete Message', ...MEASURED],
    [POISON_QUEUES[2]]: ['Put Message', ...MEASURED],
  },
  tables: {
    [TABLES.links]: ROWS,
    [TABLES.connections]: ROWS,
    [TABLES.applications]: ROWS,
    [TABLES.mails]: ROWS,
  },
  containers: {
    [CONTAINERS.drop]: ['Get Blob', 'Delete Blob', 'List Blobs'],
    [CONTAINERS.content]: ['Put Blob', 'Get Blob', 'Delete Blob', 'List Blobs'],
    [CONTAINERS.rejected]: ['Put Blob', 'List Blobs'],
  },
  // The library looks once at what it has deleted.
  vault: { secrets: ['Set Secret', 'Get Secret', 'Delete Secret', 'Get Deleted Secret'] },
} as const;
