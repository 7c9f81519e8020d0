import { createRequire } from 'node:module';

/**
 * The part of `@azure/functions-core` that the v4 programming model uses. The package does not exist: on Azure the
 * worker answers `require('@azure/functions-core')` itself, and so do we.
 */

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** The gRPC shape in which the host and the worker exchange values. */
export interface TypedData {
  readonly string?: string | null;
  readonly json?: string | null;
  readonly bytes?: Uint8Array | null;
  readonly int?: number | null;
  readonly double?: number | null;
  readonly http?: HttpData | null;
}

export interface Nullable<T> {
  readonly value?: T | null;
}

export interface HttpData {
  readonly method?: string;
  readonly url?: string;
  readonly statusCode?: string | null;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly nullableHeaders?: Readonly<Record<string, Nullable<string>>>;
  readonly nullableQuery?: Readonly<Record<string, Nullable<string>>>;
  readonly nullableParams?: Readonly<Record<string, Nullable<string>>>;
  readonly cookies?: readonly HttpCookie[] | null;
  readonly body?: TypedData | null;
}

export interface HttpCookie {
  readonly name?: string | null;
  readonly value?: string | null;
  readonly domain?: Nullable<string> | null;
  readonly path?: Nullable<string> | null;
  readonly expires?: Nullable<{ readonly seconds?: number | null }> | null;
  readonly secure?: Nullable<boolean> | null;
  readonly httpOnly?: Nullable<boolean> | null;
  /** `none` is "not given"; the attribute `None` is `explicitNone`. */
  readonly sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone' | null;
  readonly maxAge?: Nullable<number> | null;
}

export interface Binding {
  readonly name?: string;
  readonly type: string;
  readonly direction: 'in' | 'out' | 'inout';
  readonly authLevel?: string;
  readonly methods?: readonly string[];
  readonly route?: string;
  readonly queueName?: string;
  readonly connection?: string;
  readonly schedule?: string;
  readonly runOnStartup?: boolean;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: unknown;
}

export type FunctionCallback = (...parameters: unknown[]) => unknown;

/** What the programming model is given about one invocation. */
export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly metadata: FunctionMetadata;
  readonly request: InvocationRequest;
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: LogLevel, category: string, message: string): void;
}

export interface InvocationRequest {
  readonly invocationId: string;
  readonly functionId: string;
  readonly inputData: readonly { readonly name: string; readonly data: TypedData }[];
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  readonly traceContext: {
    readonly traceParent: string;
    readonly traceState: string;
    readonly attributes: Readonly<Record<string, string>>;
  };
}

export interface InvocationResponse {
  readonly returnValue?: TypedData | null;
}

interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

export interface ProgrammingModel {
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

type Hook = (context: object) => unknown;

export type WriteLog = (level: LogLevel, category: string, message: string) => void;

/** What the app has registered, and the object it registers through. */
export class FunctionsCore {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly appHookData: Readonly<Record<string, unknown>> = {};
  model: ProgrammingModel | undefined;
  private readonly hooks = new Map<string, Hook[]>();
  private readonly writeLog: WriteLog;
  private started = false;

  constructor(writeLog: WriteLog) {
    this.writeLog = writeLog;
  }

  /** Answers `require('@azure/functions-core')` from here on. Must come before the app: a failed look-up is remembered. */
  install(): void {
    const api = this.api();
    const { prototype } = createRequire(import.meta.url)('node:module') as { prototype: NodeJS.Module };
    prototype.require = new Proxy(prototype.require, {
      apply: (target, self, parameters) =>
        parameters[0] === '@azure/functions-core' ? api : Reflect.apply(target, self, parameters),
    });
  }

  /** Functions registered later are refused, as by the real worker: the host has its list by then. */
  finishStartup(): void {
    this.started = true;
  }

  async runHooks(name: string, context: object): Promise<void> {
    for (const hook of this.hooks.get(name) ?? []) await hook(context);
  }

  /** Log hooks may change level and text of a line; they are not awaited. */
  log(level: LogLevel, category: string, message: string, write: WriteLog, invocationContext?: unknown): void {
    const entry = { level, message, category, invocationContext, hookData: {}, appHookData: this.appHookData };
    for (const hook of this.hooks.get('log') ?? []) hook(entry);
    write(entry.level, entry.category, entry.message);
  }

  private api(): object {
    return {
      version: '3.12.0',
      hostVersion: '4.1040.0',
      Disposable,
      setProgrammingModel: (model: ProgrammingModel) => {
        this.model = model;
      },
      getProgrammingModel: () => this.model,
      registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) => this.register(metadata, callback),
      registerHook: (name: string, hook: Hook) => this.registerHook(name, hook),
      log: (level: LogLevel, category: string, message: string) => this.log(level, category, message, this.writeLog),
    };
  }

  private register(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
    if (this.started) throw new Error('A function can only be registered during app startup.');
    if (this.functions.has(metadata.name)) throw new Error(`A function named '${metadata.name}' already exists.`);
    this.functions.set(metadata.name, { metadata, callback });
    return new Disposable(() => {
      if (this.started) throw new Error('A function can only be disposed during app startup.');
      this.functions.delete(metadata.name);
    });
  }

  private registerHook(name: string, hook: Hook): Disposable {
    this.hooks.set(name, [...(this.hooks.get(name) ?? []), hook]);
    return new Disposable(() => {
      this.hooks.set(
        name,
        (this.hooks.get(name) ?? []).filter((other) => other !== hook),
      );
    });
  }
}

class Disposable {
  private action: (() => unknown) | undefined;

  constructor(action: () => unknown) {
    this.action = action;
  }

  static from(...disposables: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  dispose(): void {
    this.action?.();
    this.action = undefined;
  }
}
