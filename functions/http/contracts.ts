import type { Endpoint } from './endpoint.ts';
import { jsonAnswer, noQuery, readQuery } from './input.ts';

/**
 * The published contracts, as they lie in docs/api. Imported when first asked for: the bundle holds them as functions
 * that run then, so that no cold start pays for them.
 */
export function contractEndpoints(): Endpoint[] {
  return [
    {
      name: 'openapi',
      method: 'GET',
      route: 'openapi.json',
      auth: 'function',
      handle: async (request) => {
        readQuery(request, noQuery);
        const { default: description } = await import('../../docs/api/openapi.json', { with: { type: 'json' } });
        return jsonAnswer(200, description);
      },
    },
    {
      name: 'mail-message-schema',
      method: 'GET',
      route: 'schemas/mail-message-v1.json',
      auth: 'function',
      handle: async (request) => {
        readQuery(request, noQuery);
        const { default: schema } = await import('../../docs/api/mail-message-v1.json', { with: { type: 'json' } });
        return jsonAnswer(200, schema);
      },
    },
  ];
}
