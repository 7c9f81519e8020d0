import type { App } from '../../shared/compose.ts';
import { checkLeavers, leaversSchema } from '../../shared/customers/leavers.ts';
import { getRemoval, removeCustomer } from '../../shared/customers/remove-customer.ts';
import type { Endpoint } from './endpoint.ts';
import { callerId, jsonAnswer, noQuery, readBody, readNoBody, readQuery } from './input.ts';

/** Customers as a whole. */
export function customerEndpoints({ checks }: App): Endpoint[] {
  return [
    {
      name: 'customer-remove',
      method: 'DELETE',
      route: 'customers/{customerId}',
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        await readNoBody(request);
        const customerId = callerId(request, 'customerId');
        const location = `${checks.config.publicBaseUrl}/api/customers/${customerId}/removal`;
        return jsonAnswer(202, await removeCustomer(checks, customerId, invocation), { location });
      },
    },
    {
      name: 'customer-removal',
      method: 'GET',
      route: 'customers/{customerId}/removal',
      auth: 'function',
      handle: async (request) => {
        readQuery(request, noQuery);
        return jsonAnswer(200, await getRemoval(checks, callerId(request, 'customerId')));
      },
    },
    {
      name: 'leavers-check',
      method: 'POST',
      route: 'customers/{customerId}/leavers/check',
      auth: 'function',
      handle: async (request) => {
        readQuery(request, noQuery);
        const leavers = await readBody(request, leaversSchema);
        return jsonAnswer(200, await checkLeavers(checks, callerId(request, 'customerId'), leavers));
      },
    },
  ];
}
