import { expect, test } from 'vitest';
import { CONTAINERS, POISON_QUEUES, QUEUES, TABLES } from '../../shared/storage-names.ts';
import { code, filesBelow } from './repository.ts';

const SOURCES = filesBelow('functions', 'shared', 'sandbox').filter((file) => file.endsWith('.ts'));

test('queues and containers are named in shared/storage-names.ts and nowhere else', () => {
  const names = [...Object.values(QUEUES), ...POISON_QUEUES, ...Object.values(CONTAINERS)];
  const found = SOURCES.filter((file) => names.some((name) => new RegExp(`['"\`/]${name}['"\`/]`).test(code(file))));
  expect(found).toEqual(['shared/storage-names.ts']);
});

test('tables are opened by their name in shared/storage-names.ts', () => {
  // Their names are ordinary words, so it is the calls that are looked at.
  const opened = SOURCES.filter((file) => file.startsWith('shared/')).flatMap((file) =>
    [...code(file).matchAll(/\bstorage\.table\(([^)]*)\)/g)].map(([, name]) => name),
  );
  expect(opened.sort()).toEqual(
    Object.keys(TABLES)
      .map((name) => `TABLES.${name}`)
      .sort(),
  );
});

test('names are what storage allows', () => {
  for (const name of [...Object.values(QUEUES), ...POISON_QUEUES, ...Object.values(CONTAINERS)])
    expect(name).toMatch(/^[a-z0-9](?:-?[a-z0-9]){2,62}$/);
  for (const name of Object.values(TABLES)) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9]{2,62}$/);
});
