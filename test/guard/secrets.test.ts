import { expect, test } from 'vitest';
import { filesBelow, read } from './repository.ts';

const FILES = filesBelow().filter((file) => file !== 'package-lock.json');
/** Of every storage emulator, published by Microsoft. */
const DEVELOPMENT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** File and place of everything that matches. The text itself stays out of the report: it may be a secret. */
function findings(pattern: RegExp, isFine: (text: string) => boolean = () => false): string[] {
  return FILES.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(pattern)].filter(([text]) => !isFine(text)).map(() => `${file}:${index + 1}`),
      ),
  );
}

test('the repository is looked through at all', () => {
  expect(FILES).toContain('shared/config.ts');
  expect(FILES).toContain('README.md');
  expect(findings(/DEVELOPMENT_KEY/g)).toContain('test/guard/secrets.test.ts:6');
});

test.each<[string, RegExp, ((text: string) => boolean)?]>([
  ['private key', /-----BEGIN [A-Z ]*PRIVATE[ ]KEY-----/g],
  ['storage account key', /AccountKey=[A-Za-z0-9+/]{20,}=*/g, (text) => text.endsWith(DEVELOPMENT_KEY)],
  ['64-byte key', /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==/g, (text) => text === DEVELOPMENT_KEY],
  ['shared access signature', /[?&;]sig=[A-Za-z0-9%+/]{20,}/gi],
  ['JSON web token', /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}/g],
  ['Entra client secret', /(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])/g],
  ['Microsoft refresh token', /\b[01]\.A[A-Za-z0-9_-]{100,}/g],
  ['GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{30,})/g],
  ['Application Insights key', /InstrumentationKey=[0-9a-f]{8}-/gi],
])('holds no %s', (_what, pattern, isFine) => {
  expect(findings(pattern, isFine)).toEqual([]);
});

test('names no folder of a machine', () => {
  expect(findings(/(?<![\w.@/:)}-])\/(?:work|root|home|Users|mnt)\/[\w.-]+|\b[A-Z]:\\{1,2}Users\b/g)).toEqual([]);
});

test('the lock file records no download addresses, so that any registry serves it', () => {
  expect(read('package-lock.json')).not.toContain('"resolved"');
});
