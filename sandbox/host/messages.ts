import type { TimerInfo } from './timers.ts';

/** What a worker needs beside its environment. The keys travel here so that the app cannot read them, as on Azure. */
export interface WorkerOptions {
  readonly appDir: string;
  readonly functionKey: string;
  readonly masterKey: string;
  readonly redeliverySeconds?: number;
}

/** What the parent must know of a registered function. */
export interface FunctionSummary {
  readonly name: string;
  readonly trigger: 'http' | 'queue' | 'timer';
  /** NCRONTAB with every `%SETTING%` resolved; timers only. */
  readonly schedule?: string;
  readonly runOnStartup?: boolean;
}

export type MessageToWorker =
  | { readonly type: 'start'; readonly options: WorkerOptions }
  | { readonly type: 'runTimer'; readonly run: number; readonly functionName: string; readonly timer: TimerInfo }
  | { readonly type: 'stop' };

export type MessageToHost =
  | { readonly type: 'ready'; readonly port: number; readonly functions: readonly FunctionSummary[] }
  | { readonly type: 'timerEnded'; readonly run: number; readonly error?: string }
  /** Somebody asked this worker's `/admin/functions/{name}` for a timer; its schedule is the parent's. */
  | { readonly type: 'timerRequested'; readonly functionName: string };
