import type { InvocationContext } from '@azure/functions';
import type { App } from '../../shared/compose.ts';
import { scan } from '../../shared/connections/checks.ts';
import { readPoison } from '../../shared/mail/accept-poison.ts';
import { measure } from '../../shared/operations/measure.ts';
import { invocationOf } from '../http/endpoint.ts';

export interface TimerFunction {
  readonly name: string;
  /** NCRONTAB with seconds, UTC. */
  readonly schedule: string;
  readonly handle: (context: InvocationContext) => Promise<void>;
}

export function timerFunctions(app: App): TimerFunction[] {
  return [
    {
      name: 'connections-scan',
      schedule: '0 17 * * * *',
      handle: (context) => scan(app.checks, invocationOf(context, context.invocationId)),
    },
    {
      name: 'poison-reader',
      schedule: '30 */5 * * * *',
      handle: (context) => readPoison(app.mail, invocationOf(context, context.invocationId)),
    },
    {
      name: 'measure',
      schedule: '0 */5 * * * *',
      handle: (context) => measure(app.operations, invocationOf(context, context.invocationId)),
    },
  ];
}
