import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { POISON_QUEUES } from '../../shared/storage-names.ts';
import { ROOT } from '../../tools/infra-sets.ts';
import { filesBelow, read, tableBelow } from '../guard/repository.ts';
import { onlyResource } from './support/snapshot.ts';

const PACKAGE = join(ROOT, 'dist/package');

describe('the package that is deployed', () => {
  beforeAll(() => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'tools/package.ts')], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  });

  it('is the bundle, its source map, and what the host reads; nothing is installed', () => {
    const files = readdirSync(PACKAGE, { recursive: true }).map((file) => String(file).replaceAll('\\', '/'));
    const expected = [
      'THIRD-PARTY-NOTICES.txt',
      'dist',
      'dist/index.js',
      'dist/index.js.map',
      'host.json',
      'package.json',
    ];
    expect(files.sort()).toEqual(expected);
  });

  it('names the bundle, and is an ES module as the bundle is', () => {
    const { main, type } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as Record<string, string>;
    expect(type).toBe('module');
    expect(existsSync(join(PACKAGE, main ?? ''))).toBe(true);
  });

  it('starts from its own folder, and stops for want of settings alone', () => {
    const env = { PATH: process.env['PATH'] };
    const { status, stderr } = spawnSync(process.execPath, ['dist/index.js'], { cwd: PACKAGE, env, encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('The settings are not usable');
    expect(stderr).not.toMatch(/ERR_MODULE_NOT_FOUND|Cannot find (?:module|package)/);
  });

  it('is what azd deploys, to the app that carries the service’s name, without a build on Azure', () => {
    const azd = read('azure.yaml');
    expect(azd).toMatch(/^ {2}api:$/m);
    expect(azd).toMatch(/^ {4}dist: dist\/package$/m);
    expect(azd).toMatch(/^ {4}remoteBuild: false$/m);
    expect(onlyResource('Microsoft.Web/sites').tags).toMatchObject({ 'azd-service-name': 'api' });
  });
});

describe('workflows', () => {
  const workflows = filesBelow('.github').map((file) => ({ file, text: read(file) }));

  it.each(workflows)('$file pins what it uses to a commit', ({ text }) => {
    const used = [...text.matchAll(/uses: (.+)$/gm)].map(([, action]) => action);
    expect(used).not.toEqual([]);
    const others = used.filter((action) => !action?.startsWith('./'));
    expect(others.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action ?? ''))).toEqual([]);
  });

  it.each(workflows)('$file may do no more than it must', ({ text }) => {
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(text).not.toMatch(/write-all|pull_request_target/);
    const writes = [...text.matchAll(/: write$/gm)].length;
    expect(writes).toBe(text.includes('azure/login') ? 1 : 0);
  });

  it.each(workflows)('$file holds no secret: Azure trusts the workflow itself', ({ text }) => {
    expect(text).not.toContain('secrets.');
    expect(text).not.toMatch(/creds:|password/i);
  });

  it.each(workflows)('$file hands nothing of an event to the shell', ({ text }) => {
    const scripts = [...text.matchAll(/run: ?\|?\n?((?:.|\n {10})*)/g)].map(([, script]) => script ?? '');
    expect(scripts.filter((script) => script.includes('${{'))).toEqual([]);
  });

  it('deploy the branch main alone, and only what passed everything that ci checks', () => {
    const deploy = read('.github/workflows/deploy.yml');
    expect(deploy).toMatch(/^ {2}check:\n {4}uses: \.\/\.github\/workflows\/ci\.yml$/m);
    expect(deploy).toMatch(/^ {2}deploy:\n {4}needs: check\n {4}if: github\.ref == 'refs\/heads\/main'$/m);
    expect(read('.github/workflows/ci.yml')).toMatch(/^ {2}workflow_call:$/m);
  });

  it('take the Bicep compiler that the tests take', () => {
    const [, version] = /Version="\[([\d.]+)\]"/.exec(read('infra/tools/bicep.csproj')) ?? [];
    for (const file of ['.github/workflows/deploy.yml', '.github/workflows/what-if.yml'])
      expect(read(file), file).toContain(`az bicep install --version v${version}\n`);
  });

  it('supply the variables that the production parameters read', () => {
    const wanted = [...read('infra/production.bicepparam').matchAll(/readEnvironmentVariable\('(\w+)'/g)].map(
      ([, name]) => name,
    );
    for (const file of ['.github/workflows/deploy.yml', '.github/workflows/what-if.yml'])
      expect(
        wanted.filter((name) => !read(file).includes(`${name}: \${{ vars.${name} }}`)),
        file,
      ).toEqual([]);
  });

  it('and docs/deploy.md tell the same variables, whichever set of parameters reads them', () => {
    const told = tableBelow(read('docs/deploy.md'), '### Variables').map(([name]) => name?.replaceAll('`', ''));
    for (const file of ['infra/main.bicepparam', 'infra/production.bicepparam']) {
      const wanted = [...read(file).matchAll(/readEnvironmentVariable\('(\w+)'/g)].map(([, name]) => name);
      expect(told.toSorted(), file).toEqual(wanted.toSorted());
    }
  });
});

describe('host.json', () => {
  const host = JSON.parse(read('host.json')) as {
    logging: {
      logLevel: Record<string, string>;
      applicationInsights: { enableQueryStringTracing: boolean; samplingSettings: { excludedTypes: string } };
    };
  };

  it('never samples our events away: they are traces', () => {
    expect(host.logging.applicationInsights.samplingSettings.excludedTypes.split(';')).toEqual(
      expect.arrayContaining(['Trace', 'Exception']),
    );
  });

  it('writes no query down, in which tickets and codes travel', () => {
    expect(host.logging.applicationInsights.enableQueryStringTracing).toBe(false);
    // At Information it logs the address of each request, with its query.
    expect(host.logging.logLevel).toMatchObject({ 'Microsoft.AspNetCore': 'Warning' });
  });

  it('lets what functions write through, and silences the host about the busy ones', () => {
    const { logLevel } = host.logging;
    expect(logLevel).toMatchObject({ default: 'Warning', Function: 'Information', 'Host.Results': 'Information' });
    const silenced = Object.keys(logLevel).filter((name) => /^Function\.[\w-]+$/.test(name));
    const registered = read('functions/triggers/queues.ts');
    for (const category of silenced) {
      expect(logLevel[`${category}.User`], category).toBe('Information');
      expect(registered).toContain(`name: '${category.replace('Function.', '')}'`);
    }
    expect(silenced.length).toBeGreaterThan(0);
  });
});

it('poison queues are measured and told about, since their messages vanish after seven days', () => {
  for (const queue of POISON_QUEUES) expect(queue).toMatch(/-poison$/);
  expect(read('infra/queries/alert-poison-queue.kql')).toContain("endswith '-poison'");
});
