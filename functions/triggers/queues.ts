import type { InvocationContext } from '@azure/functions';
import type { App } from '../../shared/compose.ts';
import { runCheck } from '../../shared/connections/checks.ts';
import { acceptMessage } from '../../shared/mail/accept-message.ts';
import { acceptTicket } from '../../shared/mail/accept-ticket.ts';
import { QUEUES } from '../../shared/storage-names.ts';
import { invocationOf } from '../http/endpoint.ts';

/** One queue-triggered function. */
export interface QueueFunction {
  readonly name: string;
  readonly queueName: string;
  readonly handle: (body: unknown, context: InvocationContext) => Promise<void>;
}

/** The Functions that read queues. An error thrown here makes the host deliver the message again. */
export function queueFunctions(app: App): QueueFunction[] {
  return [
    {
      name: 'mail-sender',
      queueName: QUEUES.mail,
      handle: (body, context) =>
        acceptMessage(app.mail, { messageId: messageId(context), body }, delivery(context, false)),
    },
    {
      name: 'lane-worker',
      queueName: QUEUES.lanes,
      handle: (body, context) => acceptTicket(app.mail, body, delivery(context, true)),
    },
    {
      name: 'connection-check',
      queueName: QUEUES.checks,
      handle: (body, context) => runCheck(app.checks, body, invocationOf(context, context.invocationId)),
    },
  ];
}

function messageId(context: InvocationContext): string {
  return String(context.triggerMetadata?.['id'] ?? context.invocationId);
}

function delivery(context: InvocationContext, isTicket: boolean) {
  const dequeueCount = Number(context.triggerMetadata?.['dequeueCount'] ?? 1);
  return {
    invocation: invocationOf(context, context.invocationId),
    // The invocation id alone is unique; the message's tell people which delivery held a lane.
    owner: `${messageId(context)}.${dequeueCount}.${context.invocationId.slice(0, 8)}`,
    redelivered: dequeueCount > 1,
    isTicket,
  };
}
