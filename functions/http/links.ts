import * as z from 'zod';
import type { App } from '../../shared/compose.ts';
import { describeConnection } from '../../shared/connections/read-connections.ts';
import { checkApplication } from '../../shared/linking/check-application.ts';
import { confirmLink } from '../../shared/linking/confirm-link.ts';
import { getLink, mailboxDiffers } from '../../shared/linking/link-state.ts';
import {
  checkApplicationSchema,
  confirmLinkSchema,
  customerId,
  startLinkSchema,
} from '../../shared/linking/requests.ts';
import { startLink } from '../../shared/linking/start-link.ts';
import type { Endpoint } from './endpoint.ts';
import { jsonAnswer, noQuery, pathParameter, readBody, readQuery } from './input.ts';

/** Whose link it is: a link of another customer is not found. */
export const linkQuery = z.strictObject({ customerId });

/** Links, as Hire2Retire's server uses them. */
export function linkEndpoints({ linking, connections }: App): Endpoint[] {
  return [
    {
      name: 'link-start',
      method: 'POST',
      route: 'auth/link/Outlook',
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        return jsonAnswer(201, await startLink(linking, await readBody(request, startLinkSchema), invocation));
      },
    },
    {
      name: 'application-check',
      method: 'POST',
      route: 'auth/check/Outlook',
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const body = await readBody(request, checkApplicationSchema);
        return jsonAnswer(200, await checkApplication(linking, body, invocation));
      },
    },
    {
      name: 'link-state',
      method: 'GET',
      route: 'auth/link/Outlook/{linkId}',
      auth: 'function',
      handle: async (request, invocation) => {
        const query = readQuery(request, linkQuery);
        return jsonAnswer(200, await getLink(linking, pathParameter(request, 'linkId'), query.customerId, invocation));
      },
    },
    {
      name: 'link-confirm',
      method: 'POST',
      route: 'auth/link/Outlook/{linkId}/confirm',
      auth: 'function',
      handle: async (request, invocation) => {
        readQuery(request, noQuery);
        const body = await readBody(request, confirmLinkSchema);
        const confirmed = await confirmLink(linking, pathParameter(request, 'linkId'), body, invocation);
        const resource = await describeConnection(connections, confirmed.connection);
        return jsonAnswer(confirmed.created ? 201 : 200, {
          ...resource,
          ...(mailboxDiffers(confirmed.link) && { mailboxDiffers: true }),
        });
      },
    },
  ];
}
