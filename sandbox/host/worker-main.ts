/** One instance of the app, in a process of its own: started by the host, alive no longer than it. */
import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { MessageToHost, MessageToWorker } from './messages.ts';
import { startWorker, type Worker } from './worker.ts';

/** What still runs after this long is abandoned, as by a deployment. */
const STOP_MS = 5_000;

let worker: Worker | undefined;

function tell(message: MessageToHost): void {
  // After a disconnect there is nobody to tell, and the process is about to end.
  if (process.connected) process.send?.(message);
}

/** Not `console`, which is the app's to change. */
function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function handle(message: MessageToWorker): Promise<void> {
  switch (message.type) {
    case 'start': {
      const requestTimer = (functionName: string) => tell({ type: 'timerRequested', functionName });
      worker = await startWorker(message.options, { write, requestTimer });
      // Now, as a worker that is killed has no later.
      flushCompileCache();
      tell({ type: 'ready', port: worker.port, functions: worker.functions });
      return;
    }
    case 'runTimer': {
      const { run, functionName, timer } = message;
      const failure = await worker?.runTimer(functionName, timer).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      tell({ type: 'timerEnded', run, ...(failure !== undefined && { error: failure }) });
      return;
    }
    case 'stop':
      await Promise.race([worker?.stop(), delay(STOP_MS)]);
      process.exit(0);
  }
}

process.on('disconnect', () => process.exit(0));
// Ctrl+C reaches the whole process group; when to stop is the host's decision.
process.on('SIGINT', () => {});
process.on('message', (message) => {
  // A failed start must end the process; Node then prints the stack and exits with 1, as for any unhandled rejection.
  void handle(message as MessageToWorker);
});
