import type { App } from '../../shared/compose.ts';
import {
  patchConnection,
  patchConnectionSchema,
  pauseConnection,
  resumeConnection,
} from '../../shared/connections/change-connection.ts';
import { getConnection, listConnections } from '../../shared/connections/read-connections.ts';
import { sendTestMail, testMailSchema } from '../../shared/connections/send-test-mail.ts';
import { unlinkByRequest } from '../../shared/connections/unlink.ts';
import type { Endpoint } from './endpoint.ts';
import { callerId, jsonAnswer, noQuery, pageQuery, pathParameter, readBody, readNoBody, readQuery } from './input.ts';

const ONE = 'customers/{customerId}/connections/{connectionId}';

/** Connections of a customer. */
export function connectionEndpoints({ connections }: App): Endpoint[] {
  return [
    {
      name: 'connections-list',
      method: 'GET',
      route: 'customers/{customerId}/connections',
      auth: 'function',
      handle: async (request) => {
        const { limit, after } = readQuery(request, pageQuery);
        return jsonAnswer(200, await listConnections(connections, callerId(request, 'customerId'), limit, after));
      },
    },
    {
      name: 'connection-get',
      method: 'GET',
      route: ONE,
      auth: 'function',
      handle: async (request) => {
        readQuery(request, noQuery);
        const [customerId, connectionId] = [callerId(request, 'customerId'), pathParameter(request, 'connectionId')];
        return jsonAnswer(200, await getConnection(connections, customerId, connectionId));
      },
    },
    {
      name: 'connection-patch',
      method: 'PATCH',
      route: ONE,
      auth: 'function',
      handle: async (request) => {
        readQuery(request, noQuery);
        const patch = await readBody(request, patchConnectionSchema);
        const [customerId, connectionId] = [callerId(request, 'customerId'), pathParameter(request, 'connectionId')];
        return jsonAnswer(200, await patchConnection(connections, customerId, connectionId, patch));
      },
    },
    {
      name: 'connection-unlink',
      method: 'DELETE',
      route: ONE,
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        await readNoBody(request);
        const [customerId, connectionId] = [callerId(request, 'customerId'), pathParameter(request, 'connectionId')];
        return jsonAnswer(200, await unlinkByRequest(connections, customerId, connectionId, invocation));
      },
    },
    ...(['pause', 'resume'] as const).map(
      (action): Endpoint => ({
        name: `connection-${action}`,
        method: 'POST',
        route: `${ONE}/${action}`,
        auth: 'function',
        handle: async (request, invocation) => {
          readQuery(request, noQuery);
          await readNoBody(request);
          const run = action === 'pause' ? pauseConnection : resumeConnection;
          const [customerId, connectionId] = [callerId(request, 'customerId'), pathParameter(request, 'connectionId')];
          return jsonAnswer(200, await run(connections, customerId, connectionId, invocation));
        },
      }),
    ),
    {
      name: 'connection-test',
      method: 'POST',
      route: `${ONE}/test`,
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const { to } = await readBody(request, testMailSchema);
        const [customerId, connectionId] = [callerId(request, 'customerId'), pathParameter(request, 'connectionId')];
        return jsonAnswer(200, await sendTestMail(connections, customerId, connectionId, to, invocation));
      },
    },
  ];
}
