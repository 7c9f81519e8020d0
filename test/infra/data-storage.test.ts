import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CONTAINERS, POISON_QUEUES, QUEUES, TABLES } from '../../shared/storage-names.ts';
import { namesOf, resourcesOf } from './support/snapshot.ts';

const ACCOUNT = 'Microsoft.Storage/storageAccounts';

describe('names', () => {
  it('are the same in infra/storage-names.json and shared/storage-names.ts', () => {
    const names: unknown = JSON.parse(readFileSync(new URL('../../infra/storage-names.json', import.meta.url), 'utf8'));
    expect(names).toEqual({ queues: QUEUES, poisonQueues: POISON_QUEUES, tables: TABLES, containers: CONTAINERS });
  });

  it('are those of the queues, poison queues among them', () => {
    expect(namesOf(`${ACCOUNT}/queueServices/queues`)).toEqual([...Object.values(QUEUES), ...POISON_QUEUES].sort());
  });

  it('are those of the tables', () => {
    expect(namesOf(`${ACCOUNT}/tableServices/tables`)).toEqual(Object.values(TABLES).sort());
  });

  it('are those of the containers', () => {
    const packages = 'function-package';
    expect(namesOf(`${ACCOUNT}/blobServices/containers`)).toEqual([...Object.values(CONTAINERS), packages].sort());
  });
});

describe('lifetime', () => {
  it('of blobs ends after 400 days, of rejected mail after 30', () => {
    const rule = (container: string, days: number) => ({
      name: `delete-${container}`,
      type: 'Lifecycle',
      definition: {
        filters: { blobTypes: ['blockBlob', 'appendBlob'], prefixMatch: [`${container}/`] },
        actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: days } } },
      },
    });
    const rules = [rule(CONTAINERS.drop, 400), rule(CONTAINERS.content, 400), rule(CONTAINERS.rejected, 30)];
    expect(resourcesOf(`${ACCOUNT}/managementPolicies`).map((policy) => policy.properties)).toEqual([
      { policy: { rules } },
    ]);
  });

  it('of deleted blobs and containers is a few days', () => {
    const ofData = resourcesOf(`${ACCOUNT}/blobServices`).filter(({ name }) => name.startsWith('stdata'));
    expect(ofData.map((service) => service.properties)).toEqual([
      {
        containerDeleteRetentionPolicy: { enabled: true, days: 7 },
        deleteRetentionPolicy: { enabled: true, days: 7 },
        isVersioningEnabled: false,
      },
    ]);
  });
});
