import { createHttpHeaders, type PipelineRequest } from '@azure/core-rest-pipeline';
import { AzureNamedKeyCredential, TableClient, type TransactionAction } from '@azure/data-tables';
import { describe, expect, test } from 'vitest';
import { submitTransaction } from '../../shared/azure/table-transaction.ts';
import type { RowOperation } from '../../shared/storage/table.ts';

const DONE = 'HTTP/1.1 204 No Content\r\nDataServiceVersion: 3.0;\r\nETag: W/"1"\r\n\r\n\r\n';
const PARTITION = "con'1";

/** A client that answers every request itself, and what it was asked. */
function recorded(url: string, credential: boolean, answers: readonly string[] = [], status = 202) {
  const requests: PipelineRequest[] = [];
  const options = { allowInsecureConnection: true };
  const key = new AzureNamedKeyCredential('account', Buffer.from('key').toString('base64'));
  const client = credential ? new TableClient(url, 'mails', key, options) : new TableClient(url, 'mails', options);
  const sendRequest = (request: PipelineRequest) => {
    requests.push(request);
    const headers = createHttpHeaders({ 'content-type': 'multipart/mixed; boundary=batchresponse_1' });
    const parts = answers.map((answer) => `--changesetresponse_1\r\nContent-Type: application/http\r\n\r\n${answer}`);
    const bodyAsText = `--batchresponse_1\r\n\r\n${parts.join('')}--changesetresponse_1--\r\n--batchresponse_1--`;
    return Promise.resolve({ request, status, headers, bodyAsText });
  };
  client.pipeline.addPolicy({ name: 'recorder', sendRequest }, { afterPhase: 'Sign' });
  return { client, requests };
}

/** Without what is drawn by lot, of the time, or follows from these. */
function shown(request: PipelineRequest | undefined) {
  const drawn = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
  const headers = { ...request?.headers.toJSON({ preserveCase: true }) };
  for (const name of Object.keys(headers)) {
    if (/^(x-ms-client-request-id|x-ms-date|authorization)$/i.test(name)) headers[name] = '…';
    else headers[name] = headers[name]?.replaceAll(drawn, '…') ?? '';
  }
  return { method: request?.method, url: request?.url, headers, body: String(request?.body).replaceAll(drawn, '…') };
}

const keys = (rowKey: string) => ({ partitionKey: PARTITION, rowKey });
const bytes = new Uint8Array();
const CASES: readonly (readonly [RowOperation, TransactionAction])[] = [
  [
    { kind: 'merge', rowKey: '0|a b%/é', properties: { n: 1, u: undefined, empty: '' }, etag: 'W/"1"' },
    ['update', { ...keys('0|a b%/é'), n: 1, u: undefined, empty: '' }, 'Merge', { etag: 'W/"1"' }],
  ],
  [
    { kind: 'merge', rowKey: 'any', properties: { yes: true, part: 1.5, minus: 1 - 2 ** 31 } },
    ['update', { ...keys('any'), yes: true, part: 1.5, minus: 1 - 2 ** 31 }, 'Merge', { etag: '*' }],
  ],
  [
    { kind: 'replace', rowKey: "it's (me)*", properties: { large: 12_345_678_901 }, etag: '*' },
    ['update', { ...keys("it's (me)*"), large: { type: 'Double', value: '12345678901' } }, 'Replace', { etag: '*' }],
  ],
  [
    { kind: 'insert', rowKey: '1|x', properties: { bytes: Buffer.from('abc'), none: bytes, text: 'ü"\n<😀' } },
    ['create', { ...keys('1|x'), bytes: Buffer.from('abc'), none: bytes, text: 'ü"\n<😀' }],
  ],
  [{ kind: 'delete', rowKey: '2|x' }, ['delete', keys('2|x')]],
];
const OPERATIONS = CASES.map(([operation]) => operation);

describe('a transaction', () => {
  test.each([
    ['an account key', 'https://account.table.core.windows.net', true],
    ['an emulator’s address', 'http://127.0.0.1:10002/account', true],
    ['a signature in the address', 'https://account.table.core.windows.net/?sv=2019-02-02&sig=abc%3D', false],
  ])('is what the SDK would have sent, byte for byte: with %s', async (_, url, credential) => {
    const answers = CASES.map(() => DONE);
    const [own, sdk] = [recorded(url, credential, answers), recorded(url, credential, answers)];
    await submitTransaction(own.client, PARTITION, OPERATIONS);
    await sdk.client.submitTransaction(CASES.map(([, action]) => action));
    expect(own.requests).toHaveLength(1);
    expect(shown(own.requests[0])).toEqual(shown(sdk.requests[0]));
  });

  test('gives the ETags in order, and none of a row that was deleted', async () => {
    const deleted = 'HTTP/1.1 204 No Content\r\nDataServiceVersion: 3.0;\r\n\r\n\r\n';
    const { client } = recorded('https://a.example', true, [DONE, deleted, DONE.replace('ETag: W/"1"', 'etag:W/"2"')]);
    expect(await submitTransaction(client, PARTITION, OPERATIONS)).toEqual(['W/"1"', undefined, 'W/"2"']);
  });

  test('that was refused throws what storage says of the operation', async () => {
    const value = '1:The update condition was not satisfied.\nRequestId:1';
    const body = JSON.stringify({ 'odata.error': { code: 'UpdateConditionNotSatisfied', message: { value } } });
    const refused = `HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n${body}\r\n`;
    const { client } = recorded('https://a.example', true, [refused]);
    const error = { name: 'RestError', statusCode: 412, code: 'UpdateConditionNotSatisfied', message: value };
    await expect(submitTransaction(client, PARTITION, OPERATIONS)).rejects.toMatchObject(error);
  });

  test('that was refused as a whole throws the status', async () => {
    const { client } = recorded('https://a.example', true, [], 403);
    const error = { name: 'RestError', statusCode: 403 };
    await expect(submitTransaction(client, PARTITION, OPERATIONS)).rejects.toMatchObject(error);
  });

  test.each([
    ['http://account.example/', false],
    ['http://127.0.0.1.example/account', false],
    ['http://localhost:10002/account', true],
    ['http://[::1]:10002/account', true],
  ])('goes to another machine by TLS or not at all: %s', async (url, allowed) => {
    const { client, requests } = recorded(url, true, [DONE]);
    await submitTransaction(client, PARTITION, OPERATIONS);
    // The SDK's HTTP client refuses http without it.
    expect(requests.map(({ allowInsecureConnection }) => allowInsecureConnection)).toEqual([allowed]);
  });

  test('whose answer makes no sense throws', async () => {
    const { client } = recorded('https://a.example', true, ['nothing']);
    await expect(submitTransaction(client, PARTITION, OPERATIONS)).rejects.toMatchObject({ name: 'RestError' });
  });
});
