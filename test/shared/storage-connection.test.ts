import { TableServiceClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { describe, expect, test } from 'vitest';
import { isStorageConnectionString } from '../../shared/storage/connection-string.ts';

const KEY = 'AccountKey=a2V5';
const ACCOUNT = `DefaultEndpointsProtocol=https;AccountName=mail;${KEY}`;
const ENDPOINTS = ['Queue', 'Table', 'Blob']
  .map((service) => `${service}Endpoint=https://mail.${service.toLowerCase()}.core.windows.net`)
  .join(';');

describe('a storage connection string that is incomplete for one of the SDKs is not taken', () => {
  test.each([
    'UseDevelopmentStorage=true',
    'UseDevelopmentStorage=true;',
    `${ACCOUNT};EndpointSuffix=core.windows.net`,
    `${ACCOUNT};EndpointSuffix=core.windows.net;`,
    `${ACCOUNT};${ENDPOINTS}`,
    `${ACCOUNT};EndpointSuffix=core.windows.net;BlobEndpoint=https://blobs.example`,
    `${ENDPOINTS};SharedAccessSignature=sv=2024&sig=x`,
  ])('taken: %s', (text) => {
    expect([isStorageConnectionString(text), ...sdks(text)]).toEqual([true, true, true, true]);
  });

  test.each([
    'mail',
    'AccountName=mail',
    ACCOUNT,
    `AccountName=mail;${KEY};EndpointSuffix=core.windows.net`,
    `DefaultEndpointsProtocol=ftp;AccountName=mail;${KEY};EndpointSuffix=core.windows.net`,
    `DefaultEndpointsProtocol=https;AccountName=mail;AccountKey=;EndpointSuffix=core.windows.net`,
    `DefaultEndpointsProtocol=https;${KEY};EndpointSuffix=core.windows.net`,
    `${ACCOUNT};TableEndpoint=https://t.example`,
    `TableEndpoint=https://t.example;SharedAccessSignature=sv=2024&sig=x`,
    ENDPOINTS,
    `${ENDPOINTS.replace('mail.table', 'mail.z12.table')};SharedAccessSignature=sv=2024&sig=x`,
    `DefaultEndpointsProtocol=https;AccountName=mail;AccountKey=***;EndpointSuffix=core.windows.net`,
    `DefaultEndpointsProtocol=https;AccountName=<account>;${KEY};EndpointSuffix=core.windows.net`,
    `DefaultEndpointsProtocol=https;AccountName = mail;${KEY};EndpointSuffix=core.windows.net`,
    `${ACCOUNT};EndpointSuffix=core.windows.net;QueueEndpoint=queue`,
  ])('not taken: %s', (text) => {
    expect(isStorageConnectionString(text)).toBe(false);
    expect(sdks(text)).toContain(false);
  });
});

function sdks(text: string): boolean[] {
  return [TableServiceClient, QueueServiceClient, BlobServiceClient].map((sdk) => {
    try {
      return sdk.fromConnectionString(text) !== undefined;
    } catch {
      return false;
    }
  });
}
