/**
 * The least that can load a function app and answer over HTTP, bundled before it is run: what it needs itself is small
 * beside the app. Tells when the app was imported, and its port.
 */
import { FunctionsCore } from '../../sandbox/host/functions-core.ts';
import { readHostSettings } from '../../sandbox/host/host-settings.ts';
import { HttpTrigger } from '../../sandbox/host/http-trigger.ts';
import { Invoker } from '../../sandbox/host/invoker.ts';
import { loadApp } from '../../sandbox/host/load-app.ts';

const [, , appDir = '.'] = process.argv;
const core = new FunctionsCore(() => {});
core.install();
const started = performance.now();
const { model, functions } = await loadApp(core, appDir);
const importMs = performance.now() - started;
const settings = readHostSettings(appDir, process.env);
const invoker = new Invoker({ core, model, settings, write: () => {} });
const http = new HttpTrigger({
  functions: functions.filter(({ trigger }) => trigger.kind === 'http'),
  routePrefix: settings.routePrefix,
  keys: { functionKey: 'bench', masterKey: 'bench-master' },
  invoker,
  runByHand: () => false,
});
process.send?.({ importMs, port: await http.listen() });
process.on('disconnect', () => process.exit(0));
