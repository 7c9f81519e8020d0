import { randomBytes, randomUUID } from 'node:crypto';
import type {
  CoreInvocationContext,
  FunctionsCore,
  InvocationResponse,
  LogLevel,
  ProgrammingModel,
  RegisteredFunction,
  TypedData,
} from './functions-core.ts';
import { type HostSettings, isLogged } from './host-settings.ts';

/** One registered function with its trigger, as the triggers of a worker use it. */
export interface AppFunction extends RegisteredFunction {
  readonly name: string;
  readonly trigger: { readonly name: string; readonly kind: 'http' | 'queue' | 'timer' };
}

export interface InvokerOptions {
  readonly core: FunctionsCore;
  readonly model: ProgrammingModel;
  readonly settings: HostSettings;
  readonly write: (line: string) => void;
}

/** Runs functions as the Node worker does: hooks, handler, conversion of the result; and logs how each run ended. */
export class Invoker {
  private readonly options: InvokerOptions;

  constructor(options: InvokerOptions) {
    this.options = options;
  }

  async invoke(
    target: AppFunction,
    data: TypedData,
    triggerMetadata: Readonly<Record<string, TypedData>> = {},
  ): Promise<InvocationResponse> {
    const invocationId = randomUUID();
    const started = performance.now();
    const ended = (outcome: string) => {
      const milliseconds = Math.round(performance.now() - started);
      return `Executed '${target.name}' (${outcome}, Id=${invocationId}, Duration=${milliseconds}ms)`;
    };
    try {
      const response = await this.withinTimeout(this.run(target, invocationId, data, triggerMetadata));
      this.options.write(ended('Succeeded'));
      return response;
    } catch (error) {
      this.options.write(`${ended('Failed')} ${describe(error)}`);
      throw error;
    }
  }

  private async run(
    target: AppFunction,
    invocationId: string,
    data: TypedData,
    triggerMetadata: Readonly<Record<string, TypedData>>,
  ): Promise<InvocationResponse> {
    const { core, model } = this.options;
    let invocationContext: unknown;
    const coreContext: CoreInvocationContext = {
      invocationId,
      metadata: target.metadata,
      request: {
        invocationId,
        functionId: target.name,
        inputData: [{ name: target.trigger.name, data }],
        triggerMetadata,
        traceContext: traceContext(),
      },
      state: undefined,
      log: (level, category, message) => {
        const write = (shownLevel: LogLevel, _category: string, text: string) =>
          this.writeLog(target.name, shownLevel, text);
        core.log(level, category, message, write, invocationContext);
      },
    };
    const invocation = model.getInvocationModel(coreContext);
    const { context, inputs } = await invocation.getArguments();
    invocationContext = context;
    const shared = { hookData: {}, appHookData: core.appHookData, invocationContext: context };

    const before = { ...shared, functionCallback: target.callback, inputs };
    coreContext.state = 'preInvocationHooks';
    await core.runHooks('preInvocation', before);

    const after: { result: unknown; error: unknown } & typeof shared & { inputs: unknown[] } = {
      ...shared,
      inputs: before.inputs,
      result: null,
      error: null,
    };
    coreContext.state = 'invocation';
    try {
      after.result = await invocation.invokeFunction(context, before.inputs, before.functionCallback);
    } catch (error) {
      after.error = error;
    }
    coreContext.state = 'postInvocationHooks';
    await core.runHooks('postInvocation', after);
    coreContext.state = undefined;
    // The real worker tests it so; throwing null or undefined is therefore a success.
    if (after.error !== null && after.error !== undefined) throw after.error;
    return invocation.getResponse(context, after.result);
  }

  /** The handler itself cannot be stopped; what it does afterwards counts for nothing. */
  private async withinTimeout<T>(work: Promise<T>): Promise<T> {
    const { functionTimeoutMs } = this.options.settings;
    if (functionTimeoutMs === undefined) return work;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      const message = `Timeout value of ${functionTimeoutMs / 1000} s exceeded by the function.`;
      timer = setTimeout(() => reject(new Error(message)), functionTimeoutMs);
    });
    try {
      return await Promise.race([work, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  private writeLog(functionName: string, level: LogLevel, message: string): void {
    if (isLogged(this.options.settings, `Function.${functionName}.User`, level))
      this.options.write(`[${level}] ${functionName}: ${message}`);
  }
}

function traceContext(): { traceParent: string; traceState: string; attributes: Record<string, string> } {
  const traceParent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  return { traceParent, traceState: '', attributes: {} };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
