import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { code, filesBelow, ROOT, read } from './repository.ts';

/** The tests that SECURITY.md names: a file, then names in quotation marks until the next file. */
function namedTests(): { readonly file: string; readonly name: string }[] {
  const cells = read('SECURITY.md')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return cells.flatMap((line) =>
    [...line.matchAll(/`(test\/[\w./-]+\.test\.ts)`((?:,? “[^”]+”)+)/g)].flatMap(([, file = '', names = '']) =>
      [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file, name })),
    ),
  );
}

describe('SECURITY.md', () => {
  test('names a test for every guarantee, and each of them exists', () => {
    const named = namedTests();
    expect(named.length).toBeGreaterThan(30);
    const missing = named.filter(
      ({ file, name }) => !existsSync(join(ROOT, file)) || !read(file).includes(`'${name}'`),
    );
    expect(missing).toEqual([]);
  });

  test('has no guarantee without one', () => {
    const [, table = ''] = /\n## What holds\n(.*?)\n## /s.exec(read('SECURITY.md')) ?? [];
    const rows = table.split('\n').filter((line) => /^\| (?!Guarantee|-)/.test(line) && !line.startsWith('|--'));
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((row) => !/`test\/[\w./-]+` “[^”]+”/.test(row))).toEqual([]);
  });

  test('leaves no attack test file out', () => {
    const files = filesBelow('test/attack').filter((file) => file.endsWith('.test.ts'));
    expect(files.filter((file) => !read('SECURITY.md').includes(`\`${file}\``))).toEqual([]);
  });
});

test('a hash is never compared with an operator', () => {
  const hash = '(?:ticket|cookie|state|confirmation|startedBy)Hash';
  // Whether there is one at all may be asked.
  const compared = new RegExp(`${hash}\\s*[!=]==?(?!=|\\s*'')|[!=]==?\\s*[\\w.]*${hash}\\b`);
  const lines = filesBelow('shared', 'functions')
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      code(file)
        .split('\n')
        .map((line) => `${file}: ${line.trim()}`),
    );
  expect(lines.some((line) => /matchesHash\(.*confirmationHash\)/.test(line))).toBe(true);
  expect(lines.filter((line) => compared.test(line))).toEqual([]);
});
