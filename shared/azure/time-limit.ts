import type { SecretClientOptions } from '@azure/keyvault-secrets';

type AdditionalPolicy = NonNullable<SecretClientOptions['additionalPolicies']>[number];

/** Far above what a service takes that answers at all. */
const LIMIT_MS = 30_000;

/**
 * Ends each try of a request after half a minute. The pipeline of the vault's and the tables' clients has no limit of its
 * own: one server that says nothing would hold a lane, and a connection's refresh, until the host ends the function.
 */
export const TIME_LIMIT: AdditionalPolicy = {
  position: 'perRetry',
  policy: {
    name: 'timeLimit',
    sendRequest: (request, next) => {
      request.timeout = LIMIT_MS;
      return next(request);
    },
  },
};
