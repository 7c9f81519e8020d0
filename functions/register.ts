import type { app as FunctionsApp } from '@azure/functions';
import type { App } from '../shared/compose.ts';
import { applicationEndpoints } from './http/applications.ts';
import { browserEndpoints } from './http/browser.ts';
import { connectionEndpoints } from './http/connections.ts';
import { contractEndpoints } from './http/contracts.ts';
import { customerEndpoints } from './http/customers.ts';
import { type Endpoint, httpHandler } from './http/endpoint.ts';
import { linkEndpoints } from './http/links.ts';
import { mailEndpoints } from './http/mails.ts';
import { protect } from './http/protect.ts';
import { systemEndpoints } from './http/system.ts';
import { queueFunctions } from './triggers/queues.ts';
import { timerFunctions } from './triggers/timers.ts';

/** Every HTTP route of the app. */
export function endpoints(app: App): Endpoint[] {
  return [
    ...linkEndpoints(app),
    ...browserEndpoints(app),
    ...connectionEndpoints(app),
    ...applicationEndpoints(app),
    ...mailEndpoints(app),
    ...customerEndpoints(app),
    ...systemEndpoints(app),
    ...contractEndpoints(),
  ];
}

/**
 * Registers every function with the Functions library; nothing is registered anywhere else. Who may call a route is
 * settled here for all of them, so that none can forget it.
 */
export function register(functions: typeof FunctionsApp, app: App): void {
  for (const each of endpoints(app)) {
    const { authLevel, endpoint } = protect(each, app.access);
    functions.http(endpoint.name, {
      route: endpoint.route,
      methods: [endpoint.method],
      authLevel,
      handler: httpHandler(endpoint),
    });
  }
  for (const { name, queueName, handle } of queueFunctions(app)) {
    functions.storageQueue(name, { queueName, connection: 'MailStorage', handler: handle });
  }
  for (const { name, schedule, handle } of timerFunctions(app)) {
    functions.timer(name, { schedule, handler: (_timer, context) => handle(context) });
  }
}
