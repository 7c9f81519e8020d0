/** Settings that spare mail tests the waiting: queues are looked at more often, and nothing is paced. */
export const QUICK = {
  AzureFunctionsJobHost__extensions__queues__maxPollingInterval: '00:00:00.200',
  MAIL_PER_MINUTE: '0',
} as const;
