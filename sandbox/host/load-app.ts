import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Binding, FunctionsCore, ProgrammingModel, RegisteredFunction } from './functions-core.ts';
import type { AppFunction } from './invoker.ts';

const KINDS = { httptrigger: 'http', queuetrigger: 'queue', timertrigger: 'timer' } as const;

export interface LoadedApp {
  readonly model: ProgrammingModel;
  readonly functions: readonly AppFunction[];
}

/** Imports what `main` of the app's package.json names and returns what it registered. */
export async function loadApp(core: FunctionsCore, appDir: string): Promise<LoadedApp> {
  const { main = 'index.js' } = JSON.parse(readFileSync(join(appDir, 'package.json'), 'utf8')) as { main?: string };
  const files = globSync(main, { cwd: appDir }).sort();
  if (files.length === 0) throw new Error(`No file matches "main": "${main}". Is the app built?`);
  for (const file of files) await import(pathToFileURL(resolve(appDir, file)).href);
  const { model } = core;
  if (!model) throw new Error(`No function was registered by "main": "${main}".`);
  const capabilities = (await model.getCapabilities?.({})) ?? {};
  if ('HttpUri' in capabilities) throw new Error('HTTP streaming is not supported by the development host.');
  await core.runHooks('appStart', { hookData: {}, appHookData: core.appHookData, functionAppDirectory: appDir });
  core.finishStartup();
  return { model, functions: [...core.functions.values()].map(toAppFunction) };
}

/** What we would silently ignore is refused: a function must not seem to work here and fail on Azure, or vice versa. */
function toAppFunction(registered: RegisteredFunction): AppFunction {
  const { name, bindings, retryOptions } = registered.metadata;
  const refuse = (what: string) => new Error(`Function '${name}': ${what} is not supported by the development host.`);
  if (retryOptions) throw refuse('a retry policy');
  const triggers = Object.entries(bindings).filter(([, binding]) => kindOf(binding));
  const [triggerName, trigger] = triggers[0] ?? [];
  const kind = trigger && kindOf(trigger);
  if (triggers.length !== 1 || triggerName === undefined || kind === undefined) throw refuse('its trigger');
  for (const [key, binding] of Object.entries(bindings)) {
    if (key !== triggerName && binding.type.toLowerCase() !== 'http') throw refuse(`the binding '${binding.type}'`);
  }
  return { ...registered, name, trigger: { name: triggerName, kind } };
}

function kindOf(binding: Binding): AppFunction['trigger']['kind'] | undefined {
  return KINDS[binding.type.toLowerCase() as keyof typeof KINDS];
}
