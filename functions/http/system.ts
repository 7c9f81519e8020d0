import type { App } from '../../shared/compose.ts';
import { healthDetails } from '../../shared/operations/health-details.ts';
import type { Endpoint } from './endpoint.ts';
import { jsonAnswer, noQuery, readQuery } from './input.ts';

/** How the app itself is. */
export function systemEndpoints({ operations }: App): Endpoint[] {
  return [
    {
      // Liveness: says that the app started with usable settings, and touches nothing else.
      name: 'health',
      method: 'GET',
      route: 'health',
      auth: 'anonymous',
      handle: async () => jsonAnswer(200, { status: 'ok' }),
    },
    {
      name: 'health-details',
      method: 'GET',
      route: 'health/details',
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        return jsonAnswer(200, await healthDetails(operations, invocation.log));
      },
    },
  ];
}
