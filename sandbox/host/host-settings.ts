import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogLevel } from './functions-core.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface QueueSettings {
  readonly messageEncoding: 'none' | 'base64';
  readonly batchSize: number;
  readonly newBatchThreshold: number;
  readonly maxDequeueCount: number;
  readonly visibilityTimeoutMs: number;
  readonly maxPollingIntervalMs: number;
}

export interface HostSettings {
  readonly routePrefix: string;
  /** Undefined: no limit. */
  readonly functionTimeoutMs: number | undefined;
  readonly queues: QueueSettings;
  /** Least level per category prefix; the key `default` is for the rest. */
  readonly logLevels: Readonly<Record<string, LogLevel>>;
}

type Json = string | number | boolean | null | undefined | JsonObject | readonly Json[];
interface JsonObject {
  [name: string]: Json;
}

const OVERRIDE = /^AzureFunctionsJobHost(?:__|:)/i;
const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'];

/** host.json of the app, with the overrides of the environment and the real host's defaults. */
export function readHostSettings(appDir: string, environment: Environment): HostSettings {
  return parseHostSettings(JSON.parse(readFileSync(join(appDir, 'host.json'), 'utf8')) as JsonObject, environment);
}

export function parseHostSettings(hostJson: JsonObject, environment: Environment): HostSettings {
  const root = structuredClone(hostJson);
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && OVERRIDE.test(name)) set(root, name.replace(OVERRIDE, '').split(/__|:/), value);
  }
  const queue = (name: string) => get(root, ['extensions', 'queues', name]);
  const batchSize = integer('batchSize', queue('batchSize'), 16, 1, 32);
  const timeout = get(root, ['functionTimeout']);
  return {
    routePrefix: String(get(root, ['extensions', 'http', 'routePrefix']) ?? 'api'),
    functionTimeoutMs: timeout === null || timeout === '-1' ? undefined : duration(timeout, 30 * 60_000),
    queues: {
      messageEncoding: encoding(queue('messageEncoding')),
      batchSize,
      newBatchThreshold: integer('newBatchThreshold', queue('newBatchThreshold'), Math.floor(batchSize / 2), 0, 1_000),
      maxDequeueCount: integer('maxDequeueCount', queue('maxDequeueCount'), 5, 1, 1_000_000),
      visibilityTimeoutMs: duration(queue('visibilityTimeout'), 0),
      maxPollingIntervalMs: duration(queue('maxPollingInterval'), 60_000),
    },
    logLevels: levels(get(root, ['logging', 'logLevel'])),
  };
}

/** Whether a line is to be written: the longest configured prefix of its category decides. */
export function isLogged(settings: Pick<HostSettings, 'logLevels'>, category: string, level: LogLevel): boolean {
  const parts = category.split('.');
  for (let length = parts.length; length > 0; length -= 1) {
    const least = settings.logLevels[parts.slice(0, length).join('.')];
    if (least) return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
  }
  return LEVELS.indexOf(level) >= LEVELS.indexOf(settings.logLevels['default'] ?? 'information');
}

/** Replaces every `%NAME%` by the app setting of that name. */
export function resolveSettings(text: string, environment: Environment): string {
  return text.replace(/%([^%]+)%/g, (whole, name: string) => {
    const value = environment[name];
    if (value === undefined) throw new Error(`${whole} does not name an app setting.`);
    return value;
  });
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Configuration names are case-insensitive. */
function actualName(object: JsonObject, name: string): string {
  return Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
}

function get(root: JsonObject, path: readonly string[]): Json {
  return path.reduce<Json>((value, name) => (isObject(value) ? value[actualName(value, name)] : undefined), root);
}

function set(root: JsonObject, path: readonly string[], value: string): void {
  const [first, ...rest] = path;
  if (first === undefined) return;
  const name = actualName(root, first);
  if (rest.length === 0) {
    root[name] = value;
    return;
  }
  const child = root[name];
  const branch: JsonObject = isObject(child) ? child : {};
  root[name] = branch;
  set(branch, rest, value);
}

function integer(name: string, value: Json, fallback: number, least: number, most: number): number {
  const number = value === undefined ? fallback : Number(value);
  if (!Number.isInteger(number) || number < least || number > most)
    throw new Error(`host.json: ${name} must be an integer from ${least} to ${most}.`);
  return number;
}

/** A .NET TimeSpan, `[days.]hh:mm:ss[.fraction]`, in milliseconds. */
function duration(value: Json, fallback: number): number {
  if (value === undefined) return fallback;
  const parts = /^(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$/.exec(String(value));
  if (!parts) throw new Error(`host.json: '${String(value)}' is not a time span hh:mm:ss.`);
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = parts;
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

function encoding(value: Json): 'none' | 'base64' {
  const name = String(value ?? 'base64').toLowerCase();
  if (name !== 'none' && name !== 'base64') throw new Error('host.json: messageEncoding must be base64 or none.');
  return name;
}

function levels(value: Json): Record<string, LogLevel> {
  const entries = Object.entries(isObject(value) ? value : {}).map(([category, level]) => {
    const known = LEVELS.find((name) => name === String(level).toLowerCase());
    if (!known) throw new Error(`host.json: '${String(level)}' is not a log level.`);
    return [category.toLowerCase() === 'default' ? 'default' : category, known] as const;
  });
  return Object.fromEntries(entries);
}
