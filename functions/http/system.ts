import type { Endpoint } from './endpoint.ts';
import { jsonAnswer } from './input.ts';

/** Liveness: says that the app started with usable settings, and touches nothing else. */
export function systemEndpoints(): Endpoint[] {
  return [
    {
      name: 'health',
      method: 'GET',
      route: 'health',
      auth: 'anonymous',
      handle: async () => jsonAnswer(200, { status: 'ok' }),
    },
  ];
}
