import { describe, expect, test } from 'vitest';
import { isLogged, parseHostSettings, resolveSettings } from '../../../sandbox/host/host-settings.ts';

describe('host.json', () => {
  test('what it leaves out has the defaults of the real host', () => {
    expect(parseHostSettings({ version: '2.0' }, {})).toEqual({
      routePrefix: 'api',
      functionTimeoutMs: 30 * 60_000,
      queues: {
        messageEncoding: 'base64',
        batchSize: 16,
        newBatchThreshold: 8,
        maxDequeueCount: 5,
        visibilityTimeoutMs: 0,
        maxPollingIntervalMs: 60_000,
      },
      logLevels: {},
    });
  });

  test('settings of the environment win, with double underscores or colons and in any case', () => {
    const hostJson = { extensions: { queues: { batchSize: 8, visibilityTimeout: '00:05:00' } } };
    const settings = parseHostSettings(hostJson, {
      AzureFunctionsJobHost__extensions__queues__batchSize: '3',
      AZUREFUNCTIONSJOBHOST__EXTENSIONS__QUEUES__MAXDEQUEUECOUNT: '7',
      'AzureFunctionsJobHost:extensions:http:routePrefix': '',
      AzureFunctionsJobHost__functionTimeout: '-1',
      extensions__queues__batchSize: '9',
    });
    expect(settings).toMatchObject({
      routePrefix: '',
      functionTimeoutMs: undefined,
      queues: { batchSize: 3, maxDequeueCount: 7, visibilityTimeoutMs: 300_000 },
    });
    expect(hostJson.extensions.queues.batchSize).toBe(8);
  });

  test('time spans are .NET ones: days, hours, minutes, seconds and a fraction', () => {
    const timeout = (functionTimeout: string) => parseHostSettings({ functionTimeout }, {}).functionTimeoutMs;
    expect(timeout('00:10:00')).toBe(600_000);
    expect(timeout('1.00:00:00.5')).toBe(86_400_500);
    expect(() => timeout('10 minutes')).toThrow('not a time span');
  });

  test.each([
    ['batchSize', '33'],
    ['batchSize', 'many'],
    ['maxDequeueCount', '0'],
    ['messageEncoding', 'utf7'],
  ])('%s %s is refused', (name, value) => {
    expect(() => parseHostSettings({ extensions: { queues: { [name]: value } } }, {})).toThrow(name);
  });

  test('the longest category prefix decides what is logged', () => {
    const settings = parseHostSettings(
      { logging: { logLevel: { default: 'Warning', Function: 'Information', 'Function.quiet': 'None' } } },
      {},
    );
    expect(isLogged(settings, 'Worker', 'information')).toBe(false);
    expect(isLogged(settings, 'Function.any.User', 'information')).toBe(true);
    expect(isLogged(settings, 'Function.any.User', 'debug')).toBe(false);
    expect(isLogged(settings, 'Function.quiet.User', 'critical')).toBe(false);
  });
});

describe('%SETTING%', () => {
  test('is replaced by the app setting, and refused when there is none', () => {
    expect(resolveSettings('%A%-%B%', { A: '1', B: '2' })).toBe('1-2');
    expect(() => resolveSettings('%A%', {})).toThrow('%A%');
  });
});
