import type { HttpResponseInit } from '@azure/functions';
import { describe, expect, test } from 'vitest';
import { register } from '../../functions/register.ts';
import { ENTRA_SETTINGS, FakeApp } from '../fakes/app.ts';
import { read } from './repository.ts';

/**
 * Every function of the app, as it is registered. A line that changes here changes what callers may do: say so where it
 * is decided, not only in this table.
 */
const CONNECTION = 'customers/{customerId}/connections/{connectionId}';
const HTTP = [
  'link-start        POST   function   auth/link/Outlook',
  'application-check POST   function   auth/check/Outlook',
  'link-state        GET    function   auth/link/Outlook/{linkId}',
  'link-confirm      POST   function   auth/link/Outlook/{linkId}/confirm',
  'link-open         GET    anonymous  auth/open/Outlook',
  'link-callback     GET    anonymous  auth/callback/Outlook',
  'connections-list  GET    function   customers/{customerId}/connections',
  `connection-get    GET    function   ${CONNECTION}`,
  `connection-patch  PATCH  function   ${CONNECTION}`,
  `connection-unlink DELETE function   ${CONNECTION}`,
  `connection-pause  POST   function   ${CONNECTION}/pause`,
  `connection-resume POST   function   ${CONNECTION}/resume`,
  `connection-test   POST   function   ${CONNECTION}/test`,
  'applications-list GET    function   customers/{customerId}/applications',
  'application-secret PUT   function   customers/{customerId}/applications/{clientId}/secret',
  `mail-submit       POST   function   ${CONNECTION}/mails`,
  `mails-list        GET    function   ${CONNECTION}/mails`,
  `mail-get          GET    function   ${CONNECTION}/mails/{mailId}`,
  `mail-cancel       DELETE function   ${CONNECTION}/mails/{mailId}`,
  `mail-retry        POST   function   ${CONNECTION}/mails/{mailId}/retry`,
  `mail-resolve      POST   function   ${CONNECTION}/mails/{mailId}/resolve`,
  `mails-retry       POST   function   ${CONNECTION}/mails/retry`,
  `mails-resolve     POST   function   ${CONNECTION}/mails/resolve`,
  'customer-remove   DELETE function   customers/{customerId}',
  'customer-removal  GET    function   customers/{customerId}/removal',
  'leavers-check     POST   function   customers/{customerId}/leavers/check',
  'health            GET    anonymous  health',
  'health-details    GET    function   health/details',
  'openapi           GET    function   openapi.json',
  'mail-message-schema GET  function   schemas/mail-message-v1.json',
];
const QUEUES = [
  'mail-sender       outlook-mail',
  'lane-worker       outlook-lanes',
  'connection-check  outlook-work-checks',
];
const TIMERS = ['connections-scan  0 17 * * * *', 'poison-reader  30 */5 * * * *', 'measure  0 */5 * * * *'];

/** Whom the internet may call without a key. */
const PUBLIC = ['auth/open/Outlook', 'auth/callback/Outlook', 'health'];

type Functions = Parameters<typeof register>[0];
interface Options {
  readonly handler?: (request: object, context: object) => Promise<HttpResponseInit>;
  readonly methods?: readonly string[];
  readonly authLevel?: string;
  readonly route?: string;
  readonly queueName?: string;
  readonly connection?: string;
  readonly schedule?: string;
  readonly runOnStartup?: boolean;
}

/** What `register` hands to the Functions library. */
function registered(fake = new FakeApp()) {
  const kept = {
    http: new Map<string, Options>(),
    queue: new Map<string, Options>(),
    timer: new Map<string, Options>(),
  };
  const keep = (kind: keyof typeof kept) => (name: string, options: Options) => {
    const names = Object.values(kept).flatMap((map) => [...map.keys()]);
    expect(names, 'a name is registered twice').not.toContain(name);
    kept[kind].set(name, options);
  };
  const functions = { http: keep('http'), storageQueue: keep('queue'), timer: keep('timer') };
  register(functions as unknown as Functions, fake.app);
  return kept;
}

const columns = (...cells: unknown[]) => cells.join(' ');
const squeezed = (lines: readonly string[]) => lines.map((line) => line.replace(/ +/g, ' '));

test('the HTTP functions are these, each with one method and its authorization written out', () => {
  const lines = [...registered().http].map(([name, { methods = [], authLevel, route }]) =>
    columns(name, methods.join('+'), authLevel, route),
  );
  expect(lines).toEqual(squeezed(HTTP));
});

test('the queue functions are these, all on the data storage account', () => {
  const { queue } = registered();
  expect([...queue].map(([name, { queueName }]) => columns(name, queueName))).toEqual(squeezed(QUEUES));
  for (const { connection } of queue.values()) expect(connection).toBe('MailStorage');
});

test('the timer functions are these, and none runs at start', () => {
  const { timer } = registered();
  expect([...timer].map(([name, { schedule }]) => `${name} ${schedule}`)).toEqual(
    TIMERS.map((line) => line.replace(/ {2,}/, ' ')),
  );
  for (const { runOnStartup } of timer.values()) expect(runOnStartup ?? false).toBe(false);
});

test('only the pages of the browser and the liveness probe need no key', () => {
  const open = [...registered().http.values()].filter(({ authLevel }) => authLevel !== 'function');
  expect(open.map(({ route }) => route)).toEqual(PUBLIC);
});

describe('with API_AUTH=entra', () => {
  const entra = () => new FakeApp(ENTRA_SETTINGS);

  test('the same functions are registered, and the host asks for no key', () => {
    const lines = [...registered(entra()).http].map(([name, { methods = [], authLevel, route }]) =>
      columns(name, methods.join('+'), authLevel, route),
    );
    expect(lines).toEqual(squeezed(HTTP).map((line) => line.replace(' function ', ' anonymous ')));
  });

  /** Reading anything but the headers would mean that something ran before the token was checked. */
  const bare = (headers: HeadersInit = {}) => ({ headers: new Headers(headers) });
  const context = { invocationId: 'i', info: () => {}, warn: () => {}, error: () => {} };

  test('each of them, but for those of the browser and the probe, answers 401 without a token', async () => {
    const guarded = [...registered(entra()).http].filter(([, { route = '' }]) => !PUBLIC.includes(route));
    expect(guarded.length).toBe(HTTP.length - PUBLIC.length);
    for (const [name, { handler }] of guarded) {
      const answer = await handler?.(bare(), context);
      expect([name, answer?.status]).toEqual([name, 401]);
      expect(answer?.headers).toMatchObject({ 'www-authenticate': 'Bearer' });
    }
  });

  test('each of them runs nothing before its token was accepted', async () => {
    const fake = entra();
    fake.apiTokens.verdict = { kind: 'refused', reason: 'role_missing' };
    for (const [name, { route = '', handler }] of registered(fake).http) {
      if (PUBLIC.includes(route)) continue;
      const answer = await handler?.(bare({ authorization: 'Bearer the-token' }), context);
      expect([name, answer?.status]).toEqual([name, 401]);
    }
    expect(fake.apiTokens.judged).toHaveLength(HTTP.length - PUBLIC.length);
  });
});

test('no two routes answer the same request', () => {
  const keys = [...registered().http.values()].map(
    ({ methods, route }) => `${methods} ${route?.replace(/\{\w+\}/g, '{}')}`,
  );
  expect(new Set(keys).size).toBe(keys.length);
});

test('the README lists every route, and no other', () => {
  const listed = [...read('README.md').matchAll(/^\| `(GET|POST|PUT|PATCH|DELETE) ([^`?]+)/gm)].map(
    ([, method, route = '']) => `${method} ${route.replace('…', 'customers/{customerId}/connections/{connectionId}')}`,
  );
  const routes = [...registered().http.values()].map(({ methods = [], route }) => `${methods[0]} ${route}`);
  expect(listed.sort()).toEqual(routes.sort());
});
