import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow, ROOT, read } from './repository.ts';

const DOCUMENTS = filesBelow().filter((file) => file.endsWith('.md'));

interface Link {
  readonly from: string;
  readonly to: string;
}

/** Links and images to files of the repository, and to headings. */
function linksOf(file: string): Link[] {
  const text = read(file).replace(/```.*?```/gs, '');
  const targets = [
    ...text.matchAll(/\]\(([^)\s]+)[^)]*\)/g),
    ...text.matchAll(/<(?:img|a)\b[^>]*?(?:src|href)="([^"]+)"/g),
  ];
  return targets.map(([, to = '']) => ({ from: file, to })).filter(({ to }) => !/^(?:https?|mailto):/.test(to));
}

/** Anchors as GitHub makes them of headings. */
function anchorsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+\s+(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

const LINKS = DOCUMENTS.flatMap(linksOf);

test('documents are looked through at all', () => {
  expect(DOCUMENTS).toContain('README.md');
  expect(LINKS.length).toBeGreaterThan(5);
});

test('every link leads to a file', () => {
  const dead = LINKS.filter(
    ({ from, to }) => !existsSync(join(ROOT, dirname(from), decodeURI(to.split('#')[0] ?? ''))),
  );
  expect(dead.filter(({ to }) => !to.startsWith('#'))).toEqual([]);
});

test('every link to a heading finds it', () => {
  const dead = LINKS.filter(({ to }) => to.includes('#')).filter(({ from, to }) => {
    const [path = '', anchor = ''] = to.split('#');
    const file = path === '' ? from : join(dirname(from), path);
    return file.endsWith('.md') && !anchorsOf(file).includes(anchor);
  });
  expect(dead).toEqual([]);
});

test('every document is linked from somewhere', () => {
  const linked = new Set(LINKS.map(({ from, to }) => join(dirname(from), to.split('#')[0] ?? '')));
  expect(DOCUMENTS.filter((file) => !linked.has(file) && file !== 'README.md')).toEqual([]);
});
