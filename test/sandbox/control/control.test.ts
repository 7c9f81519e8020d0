import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlTargets, startControl } from '../../../sandbox/control/control.ts';
import { sandboxDirectory } from '../../../sandbox/directory.ts';
import { Journal } from '../../../sandbox/kit/journal.ts';
import type { LoopbackServer } from '../../../sandbox/kit/serve.ts';
import { read } from '../../guard/repository.ts';

const SERVICE_PROVIDER = '5e41ce00-0000-4000-8000-000000000001';

let done: unknown[][];
let targets: ControlTargets;
let server: LoopbackServer;

function switches(): ControlTargets {
  const journal = () => new Journal({ mask: (record) => record });
  const note =
    (name: string) =>
    (...given: unknown[]) => {
      done.push([name, ...given]);
    };
  return {
    directory: sandboxDirectory(),
    graph: {
      journal: journal(),
      stats: () => ({ mailboxes: [{ address: 'hr@acme.example', sent: 2, maxInFlight: 1 }] }),
    },
    keyVault: { journal: journal() },
    identity: {
      journal: journal(),
      revoke: note('revoke'),
      expireSecret: note('expireSecret'),
      disableApp: note('disableApp'),
      rotateStrict: note('rotateStrict'),
      restore: note('restore'),
    },
    storage: {
      counts: () => ({ table: { 'POST /$batch': 1 }, queue: {}, blob: {} }),
      clearCounts: note('clearCounts'),
    },
    host: {
      functions: ['measure', 'connections-scan'],
      workers: [{ id: 1 }, { id: 2 }],
      run: async (name) => {
        note('run')(name);
        if (name === 'measure') throw new Error('no storage');
      },
      kill: async (worker) => note('kill')(worker),
      renew: async () => note('renew')(),
    },
  };
}

beforeEach(async () => {
  done = [];
  targets = switches();
  server = await startControl(targets);
});

afterEach(() => server.close());

it('has every route that docs/sandbox.md names', async () => {
  const guide = read('docs/sandbox.md');
  const named = [...guide.matchAll(/`(GET|POST|DELETE) ((?:\{part\}|graph|identity|keyVault|host|storage)\/[\w-]+)`/g)];
  expect(named.length).toBeGreaterThan(8);
  for (const [, method = '', path = ''] of named)
    for (const part of path.startsWith('{part}') ? ['graph', 'identity', 'keyVault'] : [''])
      expect([
        method,
        path,
        (await call(method, `/${path.replace('{part}', part)}`, method === 'POST' ? {} : undefined)).status,
      ]).not.toEqual([method, path, 404]);
});

async function call(method: string, path: string, body?: unknown, type = 'application/json') {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    ...(body !== undefined && {
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': type },
    }),
  });
  return { status: answer.status, type: answer.headers.get('content-type'), body: (await answer.json()) as unknown };
}

describe.each(['graph', 'identity', 'keyVault'] as const)('%s', (name) => {
  it('shows its requests and forgets them', async () => {
    const { journal } = targets[name];
    const record = { at: '', method: 'GET', path: '/', query: {}, headers: {}, body: '', status: 200, taken: true };
    journal.requests.push(record, { ...record, method: 'POST' });
    expect(await call('GET', `/${name}/requests`)).toMatchObject({ status: 200, body: [record, { method: 'POST' }] });
    expect((await call('DELETE', `/${name}/requests`)).status).toBe(200);
    expect((await call('GET', `/${name}/requests`)).body).toEqual([]);
  });

  it('appends faults and clears them', async () => {
    const faults = [
      {
        match: { method: 'POST', path: '/me', contains: 'x' },
        times: 2,
        status: 503,
        headers: { 'retry-after': '1' },
        body: {},
      },
      { delayMs: 5 },
      { drop: 'after' },
    ];
    await call('POST', `/${name}/faults`, faults.slice(0, 1));
    expect((await call('POST', `/${name}/faults`, faults.slice(1))).status).toBe(200);
    expect(targets[name].journal.faults.map(({ fault, left }) => ({ fault, left }))).toEqual([
      { fault: faults[0], left: 2 },
      { fault: faults[1], left: 1 },
      { fault: faults[2], left: 1 },
    ]);
    await call('DELETE', `/${name}/faults`);
    expect(targets[name].journal.faults).toEqual([]);
  });
});

describe('faults', () => {
  it('redirect at the identity platform only', async () => {
    const redirect = [{ match: { path: '/authorize' }, redirect: { error: 'access_denied', error_subcode: 'cancel' } }];
    expect((await call('POST', '/identity/faults', redirect)).status).toBe(200);
    expect(await call('POST', '/graph/faults', redirect)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/0/redirect' }] },
    });
  });

  it('change token answers at the identity platform only', async () => {
    const answer = [{ answer: { id_token: { aud: 'another' } } }];
    expect((await call('POST', '/identity/faults', answer)).status).toBe(200);
    expect(await call('POST', '/keyVault/faults', answer)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/0/answer' }] },
    });
  });

  it.each([
    [{ status: 500 }, ''],
    [[{ status: 500, tiems: 1 }], '/0/tiems'],
    [[{ match: { path: '/x' } }], '/0'],
    [[{ status: 500 }, { status: 42 }], '/1/status'],
    [[{ drop: 'sometimes' }], '/0/drop'],
    [[{ status: 500, times: 0 }], '/0/times'],
  ])('%j are refused, and the field is named', async (faults, pointer) => {
    const answer = await call('POST', '/graph/faults', faults);
    expect(answer).toMatchObject({
      status: 400,
      type: 'application/problem+json; charset=utf-8',
      body: { status: 400, title: 'Invalid request', errors: [{ pointer }] },
    });
    expect(targets.graph.journal.faults).toEqual([]);
  });
});

describe('switches', () => {
  it('reach the identity platform', async () => {
    await call('POST', '/identity/revoke', { address: 'HR@acme.example' });
    await call('POST', '/identity/expire-secret', { clientId: SERVICE_PROVIDER });
    await call('POST', '/identity/disable-app', { clientId: SERVICE_PROVIDER.toUpperCase() });
    await call('POST', '/identity/rotate-strict', { on: true });
    await call('POST', '/identity/restore');
    await call('POST', '/identity/restore', {});
    expect(done).toEqual([
      ['revoke', 'hr@acme.example'],
      ['expireSecret', SERVICE_PROVIDER],
      ['disableApp', SERVICE_PROVIDER],
      ['rotateStrict', true],
      ['restore'],
      ['restore'],
    ]);
  });

  it('read and clear what is counted', async () => {
    expect((await call('GET', '/graph/stats')).body).toEqual({
      mailboxes: [{ address: 'hr@acme.example', sent: 2, maxInFlight: 1 }],
    });
    expect((await call('GET', '/storage/counts')).body).toEqual({ table: { 'POST /$batch': 1 }, queue: {}, blob: {} });
    await call('DELETE', '/storage/counts');
    expect(done).toEqual([['clearCounts']]);
  });

  it('run functions, kill workers and renew them', async () => {
    expect((await call('POST', '/host/run', { function: 'connections-scan' })).status).toBe(200);
    expect((await call('POST', '/host/kill', { worker: 2 })).status).toBe(200);
    expect((await call('POST', '/host/kill')).status).toBe(200);
    expect((await call('POST', '/host/renew')).status).toBe(200);
    expect(done).toEqual([['run', 'connections-scan'], ['kill', 2], ['kill', undefined], ['renew']]);
    expect(await call('POST', '/host/run', { function: 'measure' })).toMatchObject({
      status: 500,
      body: { detail: 'no storage' },
    });
  });

  it.each([
    ['/identity/revoke', { address: 'nobody@acme.example' }, '/address'],
    ['/identity/expire-secret', { clientId: 'x' }, '/clientId'],
    ['/identity/rotate-strict', { on: 'yes' }, '/on'],
    ['/identity/restore', { all: true }, '/all'],
    ['/host/run', { function: 'nothing' }, '/function'],
    ['/host/kill', { worker: 9 }, '/worker'],
  ])('%s refuses %j', async (path, body, pointer) => {
    expect(await call('POST', path, body)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
    expect(done).toEqual([]);
  });

  it('say that there is no host to steer', async () => {
    const without = await startControl({ ...targets, host: undefined });
    const answer = await fetch(`${without.url}/host/kill`, { method: 'POST' });
    expect(answer.status).toBe(409);
    await without.close();
  });
});

describe('the door', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])('refuses %s', async (type) => {
    expect((await call('POST', '/identity/restore', '{}', type)).status).toBe(415);
    expect((await call('POST', '/graph/faults', '[{"status":500}]', type)).status).toBe(415);
    expect(done).toEqual([]);
  });

  it('takes JSON with a charset and refuses what is none', async () => {
    expect((await call('POST', '/identity/restore', '{}', 'application/json; charset=utf-8')).status).toBe(200);
    expect((await call('POST', '/identity/restore', '{')).status).toBe(400);
  });

  it('knows its paths and methods', async () => {
    for (const path of ['/', '/graph', '/graph/requests/', '/toString', '/identity/stats', '/mailbox/requests'])
      expect((await call('GET', path)).status).toBe(404);
    expect(await call('PUT', '/graph/faults', [])).toMatchObject({ status: 405 });
    expect(await call('GET', '/identity/revoke')).toMatchObject({ status: 405 });
  });

  it('refuses pages of other sites', async () => {
    const headers = { origin: 'https://evil.example', 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}/identity/restore`, { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(403);
    expect(done).toEqual([]);
  });
});
