import { dirname, join } from 'node:path/posix';
import { describe, expect, test } from 'vitest';
import { code, filesBelow, read } from './repository.ts';

interface Import {
  readonly file: string;
  /** As written. */
  readonly from: string;
  /** The file that a relative one names. */
  readonly target: string | undefined;
  /** Only types: gone once the code is built. */
  readonly typeOnly: boolean;
  /** What stands between `import` and `from`. */
  readonly names: string;
}

const STATIC = /^(?:import|export)\s+(type\s+)?([^;'"]*?)\s*from\s+['"]([^'"]+)['"]/gm;
const OTHER = /(?:^import|\bimport\(|\brequire\()\s*['"]([^'"]+)['"]/gm;

function importsOf(file: string): Import[] {
  const source = code(file);
  const make = (from: string, typeOnly: boolean, names: string): Import => ({
    file,
    from,
    target: from.startsWith('.') ? join(dirname(file), from) : undefined,
    typeOnly,
    names,
  });
  return [
    ...[...source.matchAll(STATIC)].map(([, type, names = '', from = '']) => make(from, type !== undefined, names)),
    ...[...source.matchAll(OTHER)].map(([, from = '']) => make(from, false, '')),
  ];
}

const sources = (...folders: string[]) => filesBelow(...folders).filter((file) => file.endsWith('.ts'));
const PRODUCTION = sources('functions', 'shared');
const imports = PRODUCTION.flatMap(importsOf);
const isIn = (folder: string) => (path: string) => path.startsWith(`${folder}/`);
const shown = ({ file, from }: Import) => `${file} → ${from}`;
const packages = imports.filter(({ target, from }) => target === undefined && !from.startsWith('node:'));

/** No SDKs: they check and describe values, and touch nothing outside. */
const LIBRARIES = ['zod', 'validator/lib/isEmail.js'];

describe('production code', () => {
  test('is found at all, or the rest of this would prove nothing', () => {
    expect(PRODUCTION.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(200);
    expect(packages.map(({ from }) => from)).toContain('@azure/data-tables');
  });

  test('imports nothing from the sandbox, the tests or the tools, but the contracts that it serves', () => {
    const allowed = /^((functions|shared)\/|docs\/api\/[\w-]+\.json$)/;
    const stray = imports.filter(({ target }) => target !== undefined && !allowed.test(target));
    expect(stray.map(shown)).toEqual([]);
  });

  test('knows the SDKs in shared/azure only', () => {
    const allowed = ({ file, from }: Import) =>
      LIBRARIES.includes(from) ||
      isIn('shared/azure')(file) ||
      (from === '@azure/functions' && isIn('functions')(file));
    expect(packages.filter((each) => !allowed(each)).map(shown)).toEqual([]);
  });

  test('imports zod as a namespace: `{ z }` brings half a megabyte of languages along, read at every start', () => {
    const values = packages.filter(({ from, typeOnly }) => from === 'zod' && !typeOnly);
    expect(values.length).toBeGreaterThan(5);
    expect(values.filter(({ names }) => names !== '* as z').map(({ file, names }) => `${file} ${names}`)).toEqual([]);
  });

  test('imports shared/azure in its composition root only', () => {
    const outside = imports.filter(
      ({ file, target }) => target !== undefined && isIn('shared/azure')(target) && !isIn('shared/azure')(file),
    );
    expect(outside.map(({ file }) => file)).toEqual(['shared/compose.ts']);
  });

  test('takes only `app` from @azure/functions by value, and only in functions/index.ts', () => {
    // Under plain Node any other named import of that package fails at start, and nothing before tells.
    const byValue = packages.filter(({ from, typeOnly }) => from === '@azure/functions' && !typeOnly);
    expect(byValue.map(({ file, names }) => `${file} ${names}`)).toEqual(['functions/index.ts { app }']);
  });

  test('points from functions to shared, never back', () => {
    const back = imports.filter(
      ({ file, target }) => isIn('shared')(file) && target !== undefined && isIn('functions')(target),
    );
    expect(back.map(shown)).toEqual([]);
  });

  test('reads the environment in functions/index.ts only', () => {
    expect(PRODUCTION.filter((file) => /\bprocess\s*\.\s*env\b|\bimport\.meta\.env\b/.test(code(file)))).toEqual([
      'functions/index.ts',
    ]);
  });

  test('needs only packages that are deployed with it', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const missing = packages.filter(({ from, typeOnly }) => !typeOnly && !(packageOf(from) in dependencies));
    expect(missing.map(shown)).toEqual([]);
  });

  test('has no file that nothing uses', () => {
    const used = new Set(imports.map(({ target }) => target));
    expect(PRODUCTION.filter((file) => !used.has(file))).toEqual(['functions/index.ts']);
  });
});

function packageOf(from: string): string {
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
}

describe('every source file', () => {
  const all = sources('functions', 'shared', 'sandbox', 'test', 'tools');

  test('names its exports', () => {
    expect(all.filter((file) => /^export\s+default\b|\bas\s+default\b/m.test(code(file)))).toEqual([]);
  });

  test('writes the ending of what it imports', () => {
    const bare = all.flatMap(importsOf).filter(({ target }) => target !== undefined && !/\.(ts|js|json)$/.test(target));
    expect(bare.map(shown)).toEqual([]);
  });
});

test('every package has one exact version', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const versions = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.entries(manifest[kind] ?? {}),
  );
  expect(versions.length).toBeGreaterThan(10);
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
