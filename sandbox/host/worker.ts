import { FunctionsCore, type LogLevel } from './functions-core.ts';
import { isLogged, readHostSettings, resolveSettings } from './host-settings.ts';
import { HttpTrigger, triggerBinding } from './http-trigger.ts';
import { type AppFunction, Invoker } from './invoker.ts';
import { loadApp } from './load-app.ts';
import type { FunctionSummary, WorkerOptions } from './messages.ts';
import { QueuePoller } from './queue-poller.ts';
import { queueService } from './storage-connection.ts';
import type { TimerInfo } from './timers.ts';

export interface Worker {
  readonly port: number;
  readonly functions: readonly FunctionSummary[];
  runTimer(functionName: string, timer: TimerInfo): Promise<void>;
  /** Takes nothing new and waits for what runs. */
  stop(): Promise<void>;
}

export interface WorkerSurroundings {
  readonly write: (line: string) => void;
  /** Asks the parent for a timer: the schedule is its own. */
  readonly requestTimer: (functionName: string) => void;
}

const { env } = process;

/** Loads the app into this process and serves its triggers. */
export async function startWorker(options: WorkerOptions, surroundings: WorkerSurroundings): Promise<Worker> {
  const { write, requestTimer } = surroundings;
  const settings = readHostSettings(options.appDir, env);
  const core = new FunctionsCore((level: LogLevel, category, message) => {
    if (isLogged(settings, 'Worker', level)) write(`[${level}] ${category}: ${message}`);
  });
  core.install();
  const { model, functions } = await loadApp(core, options.appDir);
  const invoker = new Invoker({ core, model, settings, write });
  const named = new Map(functions.map((target) => [target.name, target]));
  const ofKind = (kind: AppFunction['trigger']['kind']) => functions.filter(({ trigger }) => trigger.kind === kind);

  const runByHand = (functionName: string, input: string) => {
    const target = named.get(functionName);
    if (target?.trigger.kind === 'timer') requestTimer(functionName);
    // A failure is in the log; whoever asked has had his 202.
    else if (target?.trigger.kind === 'queue') void invoker.invoke(target, { string: input }).catch(() => {});
    else return false;
    return true;
  };
  const http = new HttpTrigger({
    functions: ofKind('http'),
    routePrefix: settings.routePrefix,
    keys: options,
    invoker,
    runByHand,
  });
  const pollers = await Promise.all(
    ofKind('queue').map(async (target) => {
      const { connection, queueName = '' } = triggerBinding(target);
      return new QueuePoller({
        service: await queueService(connection, env),
        queueName: resolveSettings(queueName, env),
        settings: settings.queues,
        redeliverySeconds: options.redeliverySeconds,
        invoke: (data, metadata) => invoker.invoke(target, data, metadata),
        write,
      });
    }),
  );
  const summaries = functions.map(summary);
  const port = await http.listen();
  for (const poller of pollers) poller.start();
  return {
    port,
    functions: summaries,
    runTimer: async (functionName, timer) => {
      const target = named.get(functionName);
      if (target?.trigger.kind !== 'timer') throw new Error(`There is no timer function '${functionName}'.`);
      await invoker.invoke(target, { json: JSON.stringify(timer) });
    },
    stop: async () => {
      await Promise.all([http.stop(), ...pollers.map((poller) => poller.stop())]);
      await core.runHooks('appTerminate', { hookData: {}, appHookData: core.appHookData });
    },
  };
}

function summary(target: AppFunction): FunctionSummary {
  const { name, trigger } = target;
  const { schedule, runOnStartup } = triggerBinding(target);
  if (trigger.kind !== 'timer') return { name, trigger: trigger.kind };
  return {
    name,
    trigger: 'timer',
    schedule: resolveSettings(schedule ?? '', env),
    runOnStartup: runOnStartup === true,
  };
}
