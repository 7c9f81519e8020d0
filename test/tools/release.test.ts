import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHost } from '../../sandbox/host/host.ts';
import { bundledPackages } from '../../tools/bundled.ts';
import { notices } from '../../tools/notices.ts';
import { release } from '../../tools/release/release.ts';
import { type Sbom, sbomFrom } from '../../tools/release/sbom.ts';
import { zipFolder } from '../../tools/release/zip.ts';
import { ROOT, read } from '../guard/repository.ts';

test('THIRD-PARTY-NOTICES.txt is about what is in the bundle (if not: npm run notices)', async () => {
  expect(read('THIRD-PARTY-NOTICES.txt')).toBe(await notices());
});

describe('a release', () => {
  const folder = mkdtempSync(join(tmpdir(), 'release-'));
  const packaged = join(folder, 'package');
  let files: ReadonlyMap<string, Uint8Array>;
  let zip: Uint8Array;
  let sbom: Sbom;

  beforeAll(async () => {
    const made = spawnSync(process.execPath, ['tools/package.ts', packaged], { cwd: ROOT, encoding: 'utf8' });
    expect(made).toMatchObject({ status: 0, stderr: '' });
    files = await release(packaged);
    const named = (ending: string) => [...files].find(([file]) => file.endsWith(ending))?.[1] ?? new Uint8Array();
    zip = named('.zip');
    sbom = JSON.parse(Buffer.from(named('.cdx.json')).toString()) as Sbom;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is a zip with the bundle and what goes with it, and nothing else', () => {
    const isChunk = (name: string) => /^dist\/chunks\/[\w.-]+\.js(\.map)?$/.test(name);
    const names = ['THIRD-PARTY-NOTICES.txt', 'dist/index.js', 'dist/index.js.map', 'host.json', 'package.json'];
    expect(Object.keys(unzipSync(zip)).filter((name) => !isChunk(name))).toEqual(names);
  });

  test('is the same bytes when it is made again, whenever its files were written', async () => {
    utimesSync(join(packaged, 'host.json'), new Date(), new Date('2001-02-03T04:05:06Z'));
    expect(Buffer.from(zipFolder(packaged)).equals(zip)).toBe(true);
    expect(await release(packaged)).toEqual(files);
  });

  test('names no folder of the machine that made it', () => {
    for (const [name, bytes] of Object.entries(unzipSync(zip)))
      expect([name, Buffer.from(bytes).includes(ROOT.replace(/\/$/, ''))]).toEqual([name, false]);
  });

  test('comes with the hashes of its files', () => {
    const lines = Buffer.from(files.get('SHA256SUMS') ?? [])
      .toString()
      .trim()
      .split('\n');
    const sums = new Map(lines.map((line) => line.split('  ').reverse() as [string, string]));
    expect([...sums.keys()]).toEqual([...files.keys()].filter((name) => name !== 'SHA256SUMS'));
    for (const [name, sum] of sums)
      expect(
        createHash('sha256')
          .update(files.get(name) ?? '')
          .digest('hex'),
      ).toBe(sum);
  });

  test('comes with a bill of materials of what is in it, and of nothing else', async () => {
    const packages = (await bundledPackages()).map(({ name, version }) => `${name}@${version}`);
    expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' });
    expect([...new Set(sbom.components.map(({ name, version }) => `${name}@${version}`))].sort()).toEqual(
      packages.sort(),
    );
    expect(packages).toContain('zod@4.6.7');
    expect(packages.filter((each) => /^(vitest|azurite|maildev)@/.test(each))).toEqual([]);
    const hash = createHash('sha256').update(zip).digest('hex');
    expect(sbom.metadata.component.hashes).toEqual([{ alg: 'SHA-256', content: hash }]);
  });

  test('has a bill of an application that is the same whatever npm it was made with', () => {
    expect(sbom.metadata).toEqual({
      component: expect.objectContaining({ type: 'application', name: 'outlook-sender' }),
    });
    const packages = sbom.components.map(({ name, version }) => ({ name, version, license: '', path: '' }));
    const released = { name: 'outlook-sender', version: sbom.metadata.component.version, zip };
    // As another npm says the same: other tools, more fields, another order.
    const other = {
      ...sbom,
      serialNumber: 'urn:uuid:0',
      metadata: {
        timestamp: '2030-01-01',
        tools: [{ vendor: 'npm', name: 'cli', version: '99.0.0' }],
        component: {
          ...sbom.metadata.component,
          type: 'library',
          properties: [{ name: 'cdx:npm:package:path', value: '' }],
        },
      },
      components: sbom.components
        .map((each) => ({
          properties: [{ name: 'x', value: 'y' }],
          externalReferences: [],
          description: 'd',
          ...each,
          scope: 'optional',
        }))
        .reverse(),
      dependencies: [...sbom.dependencies].reverse(),
    };
    expect(JSON.stringify(sbomFrom(other, packages, released))).toBe(JSON.stringify(sbom));
    expect(() => sbomFrom({ ...sbom, specVersion: '1.7' }, packages, released)).toThrow('CycloneDX 1.7');
  });

  test('has a bill whose references all lead somewhere', () => {
    const references = [sbom.metadata.component['bom-ref'], ...sbom.components.map((each) => each['bom-ref'])];
    expect(new Set(references).size).toBe(references.length);
    const named = sbom.dependencies.flatMap(({ ref, dependsOn = [] }) => [ref, ...dependsOn]);
    expect(named.filter((each) => !references.includes(each))).toEqual([]);
  });

  test('starts from its zip alone, and serves', async () => {
    const appDir = join(folder, 'unzipped');
    for (const [name, bytes] of Object.entries(unzipSync(zip))) {
      mkdirSync(dirname(join(appDir, name)), { recursive: true });
      writeFileSync(join(appDir, name), bytes);
    }
    const { Values } = JSON.parse(read('local.settings.sample.json')) as { Values: Record<string, string> };
    // Nothing listens there: liveness and the contracts need no storage.
    const nowhere =
      'DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm9uZQ==;QueueEndpoint=http://127.0.0.1:1/none;BlobEndpoint=http://127.0.0.1:1/none;TableEndpoint=http://127.0.0.1:1/none;';
    const environment = () => ({ ...Values, MailStorage: nowhere });
    const host = await startHost({ appDir, port: 0, functionKey: 'k', masterKey: 'm', log: () => {}, environment });
    try {
      expect(await (await fetch(`${host.url}/api/health`)).json()).toEqual({ status: 'ok' });
      const description = await fetch(`${host.url}/api/openapi.json`, { headers: { 'x-functions-key': 'k' } });
      expect(await description.json()).toEqual(JSON.parse(read('docs/api/openapi.json')));
    } finally {
      await host.close();
    }
  });
});
