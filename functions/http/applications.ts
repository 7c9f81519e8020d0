import type { App } from '../../shared/compose.ts';
import { listApplications } from '../../shared/connections/application-resource.ts';
import { rotateSecret, rotateSecretSchema } from '../../shared/connections/rotate-secret.ts';
import type { Endpoint } from './endpoint.ts';
import { callerId, jsonAnswer, noQuery, pageQuery, pathParameter, readBody, readQuery } from './input.ts';

/** Customer-owned applications. */
export function applicationEndpoints({ connections }: App): Endpoint[] {
  return [
    {
      name: 'applications-list',
      method: 'GET',
      route: 'customers/{customerId}/applications',
      auth: 'function',
      handle: async (request) => {
        const { limit, after } = readQuery(request, pageQuery);
        return jsonAnswer(200, await listApplications(connections, callerId(request, 'customerId'), limit, after));
      },
    },
    {
      name: 'application-secret',
      method: 'PUT',
      route: 'customers/{customerId}/applications/{clientId}/secret',
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const body = await readBody(request, rotateSecretSchema);
        const [customerId, clientId] = [callerId(request, 'customerId'), pathParameter(request, 'clientId')];
        return jsonAnswer(200, await rotateSecret(connections, customerId, clientId, body, invocation));
      },
    },
  ];
}
