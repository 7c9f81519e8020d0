import type { Service } from './azurite-library.ts';

/** Requests per service, keyed `METHOD /first-segment`. */
export type StorageCounts = Record<Service, Record<string, number>>;

export function emptyCounts(): StorageCounts {
  return { table: {}, queue: {}, blob: {} };
}

/**
 * What a request is counted as: its method and the queue, table or container that it names. Keys of table rows are cut,
 * so that `mails(PartitionKey='…')` and `mails` are the same line.
 */
export function countKey(method: string | undefined, path: string | undefined): string {
  const [, , segment = ''] = (path ?? '/').replace(/[?#].*$/s, '').split('/');
  return `${method ?? 'GET'} /${decode(segment).replace(/\(.*$/s, '')}`;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
