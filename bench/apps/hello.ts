/** The least function app there is. */
import { app } from '@azure/functions';

app.http('health', {
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'health',
  handler: () => Promise.resolve({ status: 200, jsonBody: { status: 'ok' } }),
});
