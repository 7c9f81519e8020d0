import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Storage } from '../../sandbox/storage/azurite.ts';
import { AzureBlobs } from '../../shared/azure/blobs.ts';
import type { StorageClients } from '../../shared/azure/storage-clients.ts';
import { type Blobs, type StoredBlob, StoreUnavailable } from '../../shared/storage/ports.ts';
import { CONTAINERS } from '../../shared/storage-names.ts';
import { FakeBlobs } from '../fakes/stores.ts';
import { startAzurite } from './storage.ts';

const fake = new FakeBlobs();
let azure: Blobs;
let storage: Storage;
let clients: StorageClients;

beforeAll(async () => {
  ({ storage, clients } = await startAzurite());
  azure = new AzureBlobs(clients.blobs);
});
afterAll(() => storage.close());

const LIMIT = 1_000;
const container = CONTAINERS.drop;
const newName = () => `acme/con_x/${randomUUID()} & ümlaut?#%.json`;

function found(blob: StoredBlob | 'tooLarge' | undefined): StoredBlob {
  if (blob === undefined || blob === 'tooLarge') throw new Error(`no blob: ${blob}`);
  return blob;
}

describe.each([
  ['the fake', () => fake as Blobs],
  ['Azurite', () => azure],
])('a blob container (%s)', (_name, subject) => {
  test('gives back the bytes that were put, with the ETag that the put returned', async () => {
    const name = newName();
    const content = Buffer.from([0, 255, 10, 13, 128]);
    const etag = await subject().put(container, name, content, { customer: 'acme' });
    const blob = found(await subject().get(container, name, LIMIT));
    expect(content.equals(blob.content)).toBe(true);
    expect(blob.etag).toBe(etag);
    expect(etag).not.toBe('');
  });

  test('has nothing under a name that nobody put', async () => {
    expect(await subject().get(container, newName(), LIMIT)).toBeUndefined();
  });

  test('replaces a blob, and then has nothing under its old ETag', async () => {
    const name = newName();
    const old = await subject().put(container, name, Buffer.from('one'));
    const etag = await subject().put(container, name, Buffer.from('two'));
    expect(etag).not.toBe(old);
    expect(await subject().get(container, name, LIMIT, old)).toBeUndefined();
    expect(found(await subject().get(container, name, LIMIT, etag)).content.toString()).toBe('two');
  });

  test('changes the ETag also when the same bytes are put again', async () => {
    const name = newName();
    const old = await subject().put(container, name, Buffer.from('same'));
    expect(await subject().put(container, name, Buffer.from('same'))).not.toBe(old);
  });

  test('reads up to the limit and no further', async () => {
    const name = newName();
    await subject().put(container, name, Buffer.alloc(LIMIT, 'x'));
    expect(found(await subject().get(container, name, LIMIT)).content.length).toBe(LIMIT);
    expect(await subject().get(container, name, LIMIT - 1)).toBe('tooLarge');
  });

  test('holds an empty blob, under its ETag alone', async () => {
    const name = newName();
    const etag = await subject().put(container, name, Buffer.alloc(0));
    expect(await subject().get(container, name, LIMIT)).toEqual({ content: Buffer.alloc(0), etag });
    expect(await subject().get(container, name, LIMIT, etag)).toEqual({ content: Buffer.alloc(0), etag });
    expect(await subject().get(container, name, LIMIT, '"0x8D000000000000"')).toBeUndefined();
  });

  test('forgets a blob, and forgetting it again is fine', async () => {
    const name = newName();
    await subject().put(container, name, Buffer.from('x'));
    await subject().remove(container, name);
    expect(await subject().get(container, name, LIMIT)).toBeUndefined();
    await subject().remove(container, name);
  });

  test('lists names by their beginning, in order, as many as are wanted', async () => {
    const folder = `list-${randomUUID()}`;
    const names = ['b', 'a', 'c'].map((each) => `${folder}/${each} ü#%.json`);
    for (const name of [...names, `${folder}-2/d.json`]) await subject().put(container, name, Buffer.from('x'));
    expect(await subject().list(container, `${folder}/`, 10)).toEqual([...names].sort());
    expect(await subject().list(container, `${folder}/`, 2)).toEqual([...names].sort().slice(0, 2));
    expect(await subject().list(container, `${folder}/none`, 10)).toEqual([]);
    for (const name of await subject().list(container, `${folder}/`, 10)) await subject().remove(container, name);
    expect(await subject().list(container, folder, 10)).toEqual([`${folder}-2/d.json`]);
  });

  test('reaches no blob by a way around', async () => {
    const etag = await subject().put(container, 'acme/con_y/secret.json', Buffer.from('secret'));
    for (const name of [
      'acme/con_x/../con_y/secret.json',
      'acme/./con_y/secret.json',
      'acme/con_x/%2e%2e/con_y/secret.json',
      'acme/con_x/..\\con_y\\secret.json',
      '../mail-drop/acme/con_y/secret.json',
    ]) {
      expect(await subject().get(container, name, LIMIT)).toBeUndefined();
      await subject().remove(container, name);
    }
    expect(found(await subject().get(container, 'acme/con_y/secret.json', LIMIT)).etag).toBe(etag);
  });
});

test('a container that is missing has no blobs, and takes none', async () => {
  expect(await azure.get('missing', 'x', LIMIT)).toBeUndefined();
  await expect(azure.put('missing', 'x', Buffer.from('x'))).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(azure.list('missing', '', 1)).rejects.toBeInstanceOf(StoreUnavailable);
});

test('metadata are kept for people who look at the container', async () => {
  const name = newName();
  await azure.put(container, name, Buffer.from('x'), { reason: 'message_unreadable' });
  const { metadata } = await (await clients.blobs()).getContainerClient(container).getBlobClient(name).getProperties();
  expect(metadata).toEqual({ reason: 'message_unreadable' });
});
