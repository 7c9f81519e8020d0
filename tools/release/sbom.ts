import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { BundledPackage } from '../bundled.ts';

/** CycloneDX 1.5, as far as we look at it: https://cyclonedx.org/docs/1.5/json/ */
export interface Sbom {
  readonly $schema: string;
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly version: number;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}

/** What the bill is for. */
export interface Released {
  readonly name: string;
  readonly version: string;
  readonly zip: Uint8Array;
}

/**
 * What is in the bundle, by npm's account of the lockfile. npm knows nothing of bundles: what was installed and left out is
 * taken off its list.
 * @throws when npm does not know a bundled package
 */
export function sbomOf(root: string, packages: readonly BundledPackage[], released: Released): Sbom {
  return sbomFrom(npmSbom(root), packages, released);
}

/**
 * The bill out of what npm says: the same bytes for the same lockfile and zip, whatever npm made it. Only fields that all of
 * them give are taken, and in our order; which npm it was is not said.
 */
export function sbomFrom(npm: Sbom, packages: readonly BundledPackage[], { name, version, zip }: Released): Sbom {
  if (npm.bomFormat !== 'CycloneDX' || npm.specVersion !== '1.5')
    throw new Error(`npm sbom speaks ${npm.bomFormat} ${npm.specVersion}; this expects CycloneDX 1.5.`);
  const bundled = new Set(packages.map((each) => `${each.name}@${each.version}`));
  const isBundled = (each: Component) => bundled.has(`${each.name}@${each.version}`);
  const components = npm.components
    .filter(isBundled)
    .map(stable)
    .sort(by((each) => each['bom-ref']));
  const known = new Set(components.map((each) => `${each.name}@${each.version}`));
  const missing = [...bundled].filter((each) => !known.has(each));
  if (missing.length > 0) throw new Error(`npm sbom does not know what is in the bundle: ${missing.join(', ')}.`);
  const hash = createHash('sha256').update(zip).digest('hex');
  const own = npm.metadata.component['bom-ref'];
  const references = new Set([...components.map((each) => each['bom-ref']), own]);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${asUuid(hash)}`,
    version: 1,
    metadata: {
      component: {
        'bom-ref': own,
        type: 'application',
        name,
        version,
        hashes: [{ alg: 'SHA-256', content: hash }],
      },
    },
    components,
    dependencies: npm.dependencies
      .filter(({ ref }) => references.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => references.has(each)).sort() }))
      .sort(by(({ ref }) => ref)),
  };
}

function stable({ 'bom-ref': reference, name, version, purl, hashes, licenses }: Component): Component {
  return {
    'bom-ref': reference,
    type: 'library',
    name,
    version,
    // To npm, a package may be there for development too; here it is deployed.
    scope: 'required',
    ...(purl && { purl }),
    ...(hashes && { hashes: hashes.map(({ alg, content }) => ({ alg, content })) }),
    ...(licenses && { licenses }),
  };
}

function by<T>(key: (each: T) => string) {
  return (a: T, b: T) => (key(a) < key(b) ? -1 : 1);
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
