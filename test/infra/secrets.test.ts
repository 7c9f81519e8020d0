import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { predictions } from './support/snapshot.ts';

const infra = fileURLToPath(new URL('../../infra/', import.meta.url));
const files = globSync('**/*.bicep', { cwd: infra }).map((file) => ({
  file,
  text: readFileSync(`${infra}${file}`, 'utf8'),
}));

/** What an output that gives a secret away is called, or calls. */
const SECRET =
  /secret|password|token|credential|connectionstring|(?:access|account|shared|host|master|primary)_?keys?\b|\bsas\b|\blist\w+\(/i;

describe('secrets', () => {
  it('are what the pattern finds', () => {
    for (const output of ['clientSecret', 'x.listKeys().keys[0].value', 'storageAccountKey', 'connectionString'])
      expect(output).toMatch(SECRET);
    for (const output of ['dataQueueEndpoint', 'keyVaultUri', 'account.name']) expect(output).not.toMatch(SECRET);
  });

  it('are in no output of the deployment', () => {
    for (const [set, { outputs }] of predictions) {
      expect(Object.keys(outputs), set).not.toEqual([]);
      expect(
        Object.entries(outputs).filter((output) => SECRET.test(JSON.stringify(output))),
        set,
      ).toEqual([]);
    }
  });

  it.each(files)('are in no output of $file', ({ text }) => {
    const outputs = text.split('\n').filter((line) => line.startsWith('output '));
    expect(outputs.filter((line) => SECRET.test(line))).toEqual([]);
  });

  it.each(files)('are never read in $file', ({ text }) => {
    expect(text).not.toMatch(/\blist(?:Keys|Secrets|AccountSas|ServiceSas|\w*Keys)\(/);
  });
});

describe('a second deployment', () => {
  it.each(files)('changes nothing because of $file: no clock, nothing drawn', ({ text }) => {
    expect(text).not.toMatch(/\b(?:utcNow|newGuid)\(/);
  });
});

describe('descriptions', () => {
  it.each(files)('of parameters in $file say whether they are required', ({ text }) => {
    const parameters = text.match(/^param /gm) ?? [];
    const described = text.match(/^@description\('(?:Required|Optional)\. .+'\)(?:\n@.*)*\nparam /gm) ?? [];
    expect(described).toHaveLength(parameters.length);
  });

  it.each(files)('are there for every output of $file', ({ text }) => {
    const outputs = text.match(/^output /gm) ?? [];
    expect(text.match(/^@description\('.+'\)\noutput /gm) ?? []).toHaveLength(outputs.length);
  });
});
