import type { Directory } from '../directory.ts';
import type { Journal } from '../kit/journal.ts';
import { type Call, json, type LoopbackServer, type Reply, serve } from '../kit/serve.ts';
import type { Storage } from '../storage/azurite.ts';
import { readBody } from './body.ts';
import { Problem, problemReply } from './problem.ts';
import * as schemas from './schemas.ts';

/** What control reaches into. Only what it uses is named, so that a test can hand in literals. */
export interface ControlTargets {
  readonly directory: Directory;
  readonly identity: {
    readonly journal: Journal;
    revoke(address: string): unknown;
    expireSecret(clientId: string): unknown;
    disableApp(clientId: string): unknown;
    rotateStrict(on: boolean): unknown;
    restore(): unknown;
  };
  readonly keyVault: { readonly journal: Journal };
  readonly graph: { readonly journal: Journal; stats(): unknown };
  readonly storage: Pick<Storage, 'counts' | 'clearCounts'>;
  /** Undefined with `--no-host`. */
  readonly host: ControlledHost | undefined;
}

export interface ControlledHost {
  readonly functions: readonly string[];
  readonly workers: readonly { readonly id: number }[];
  run(functionName: string): Promise<unknown>;
  kill(worker?: number): Promise<unknown>;
  renew(): Promise<unknown>;
}

/** Answers 200 with what it returns, `{}` when that is nothing. */
type Route = (call: Call) => Promise<unknown> | unknown;

/** Starts the control API: what was requested, faults to come, and the switches of the stand-ins. */
export function startControl(options: ControlTargets & { readonly port?: number }): Promise<LoopbackServer> {
  const routes = controlRoutes(options);
  return serve({
    ...(options.port !== undefined && { port: options.port }),
    handler: async (call) => {
      try {
        return await answer(routes, call);
      } catch (error) {
        if (error instanceof Problem) return problemReply(error);
        throw error;
      }
    },
  });
}

async function answer(routes: Readonly<Record<string, Route>>, call: Call): Promise<Reply> {
  const { pathname } = call.url;
  const route = routes[`${call.method} ${pathname}`];
  if (route) return json(200, (await route(call)) ?? {}, { 'cache-control': 'no-store' });
  const allowed = Object.keys(routes).flatMap((key) => {
    const [method = '', path] = key.split(' ');
    return path === pathname ? [method] : [];
  });
  if (allowed.length === 0) throw new Problem(404, 'Not found', `There is no ${pathname} here.`);
  const wrongMethod = new Problem(405, 'Method not allowed', `${pathname} takes ${allowed.join(' and ')}.`);
  return problemReply(wrongMethod, { allow: allowed.join(', ') });
}

/** The whole table, keyed `METHOD /path`. */
function controlRoutes(targets: ControlTargets): Readonly<Record<string, Route>> {
  const { identity, keyVault, graph, storage } = targets;
  return {
    ...journalRoutes('/graph', graph.journal, schemas.faultListWithoutRedirect),
    ...journalRoutes('/identity', identity.journal, schemas.faultList),
    ...journalRoutes('/keyVault', keyVault.journal, schemas.faultListWithoutRedirect),
    'GET /graph/stats': () => graph.stats(),
    'GET /storage/counts': () => storage.counts(),
    'DELETE /storage/counts': () => storage.clearCounts(),
    'POST /identity/revoke': (call) => identity.revoke(knownAddress(targets, call)),
    'POST /identity/expire-secret': (call) => identity.expireSecret(knownClient(targets, call)),
    'POST /identity/disable-app': (call) => identity.disableApp(knownClient(targets, call)),
    'POST /identity/rotate-strict': (call) => identity.rotateStrict(readBody(call, schemas.onOff).on),
    'POST /identity/restore': (call) => {
      readBody(call, schemas.nothing);
      return identity.restore();
    },
    'POST /host/run': (call) => runFunction(targets, call),
    'POST /host/kill': (call) => killWorker(targets, call),
    'POST /host/renew': (call) => {
      readBody(call, schemas.nothing);
      return runningHost(targets).renew();
    },
  };
}

function journalRoutes(
  prefix: string,
  journal: Journal,
  faults: typeof schemas.faultList | typeof schemas.faultListWithoutRedirect,
): Readonly<Record<string, Route>> {
  return {
    [`GET ${prefix}/requests`]: () => journal.requests,
    [`DELETE ${prefix}/requests`]: () => {
      journal.requests.length = 0;
    },
    [`POST ${prefix}/faults`]: (call) => journal.addFaults(schemas.asFaults(readBody(call, faults))),
    [`DELETE ${prefix}/faults`]: () => {
      journal.faults.length = 0;
    },
  };
}

function knownAddress({ directory }: ControlTargets, call: Call): string {
  const wanted = readBody(call, schemas.address).address.toLowerCase();
  const account = directory.accounts.find(({ address }) => address.toLowerCase() === wanted);
  if (!account) throw unknown('/address', 'No account of the directory has this address');
  return account.address;
}

function knownClient({ directory }: ControlTargets, call: Call): string {
  const wanted = readBody(call, schemas.clientId).clientId.toLowerCase();
  const application = Object.values(directory.applications).find(({ clientId }) => clientId === wanted);
  if (!application) throw unknown('/clientId', 'No application of the directory has this client ID');
  return application.clientId;
}

async function runFunction(targets: ControlTargets, call: Call): Promise<void> {
  const { function: name } = readBody(call, schemas.functionName);
  const host = runningHost(targets);
  if (!host.functions.includes(name))
    throw unknown('/function', `No such function; there are ${host.functions.join(', ')}`);
  try {
    await host.run(name);
  } catch (error) {
    throw new Problem(500, 'The function failed', error instanceof Error ? error.message : String(error));
  }
}

async function killWorker(targets: ControlTargets, call: Call): Promise<void> {
  const { worker } = readBody(call, schemas.workerId);
  const host = runningHost(targets);
  const ids = host.workers.map(({ id }) => id);
  if (worker !== undefined && !ids.includes(worker))
    throw unknown('/worker', `No such worker; there are ${ids.join(', ')}`);
  await host.kill(worker);
}

function runningHost({ host }: ControlTargets): ControlledHost {
  if (host) return host;
  throw new Problem(409, 'No local host', 'The sandbox runs with --no-host: another host runs the functions.');
}

function unknown(pointer: string, detail: string): Problem {
  return new Problem(400, 'Invalid request', `${pointer}: ${detail}`, [{ pointer, detail }]);
}
