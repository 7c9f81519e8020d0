import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { BundledPackage } from '../bundled.ts';

/** CycloneDX 1.5, as far as we look at it: https://cyclonedx.org/docs/1.5/json/ */
export interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp?: string; readonly component: Component & { readonly 'bom-ref': string } };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

/**
 * What is in the bundle, by npm's account of the lockfile: the same for the same lockfile and zip. npm knows nothing of
 * bundles: what was installed and left out is taken off its list.
 * @param zip what the bill is for
 * @throws when npm does not know a bundled package
 */
export function sbomOf(root: string, packages: readonly BundledPackage[], zip: Uint8Array): Sbom {
  const { components, dependencies, metadata, ...sbom } = npmSbom(root);
  const { name = '', version = '' } = splitReference(metadata.component['bom-ref']);
  const bundled = new Set(packages.map((each) => `${each.name}@${each.version}`));
  const kept = components
    .filter((each) => bundled.has(`${each.name}@${each.version}`))
    // To npm, a package may be there for development too; here it is deployed.
    .map((each) => ({ ...each, scope: 'required', properties: [] }));
  const references = new Set([...kept.map((each) => each['bom-ref']), metadata.component['bom-ref']]);
  const missing = [...bundled].filter(
    (each) => !kept.some((component) => `${component.name}@${component.version}` === each),
  );
  if (missing.length > 0) throw new Error(`npm sbom does not know what is in the bundle: ${missing.join(', ')}.`);
  const { timestamp: _, ...stable } = metadata;
  const hash = createHash('sha256').update(zip).digest('hex');
  return {
    ...sbom,
    serialNumber: `urn:uuid:${asUuid(hash)}`,
    metadata: {
      ...stable,
      // npm names it after the folder that it lies in.
      component: { ...stable.component, name, version, hashes: [{ alg: 'SHA-256', content: hash }] },
    },
    components: kept,
    dependencies: dependencies
      .filter(({ ref }) => references.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => references.has(each)) })),
  };
}

function npmSbom(root: string): Sbom {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  // npm says where it is when it runs a script; by its name it is found only by a shell, on Windows.
  const npm = process.env['npm_execpath'];
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const shell = command === 'npm' && process.platform === 'win32';
  const { status, stdout, stderr } = spawnSync(command, [...first, ...args], {
    cwd: root,
    shell,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`npm sbom failed:\n${stderr}`);
  return JSON.parse(stdout) as Sbom;
}

function splitReference(reference: string): { readonly name?: string; readonly version?: string } {
  const at = reference.lastIndexOf('@');
  return { name: reference.slice(0, at), version: reference.slice(at + 1) };
}

/** A UUID of version 8, the one for values of one's own making (RFC 9562). */
function asUuid(hash: string): string {
  const parts = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ];
  return parts.join('-');
}
