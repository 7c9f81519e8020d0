import { fileURLToPath } from 'node:url';

/** A parameter file for which the compiler predicts the resources, and where the prediction is committed. */
export interface ParameterSet {
  readonly name: string;
  /** Paths from the root of the repository. */
  readonly parameters: string;
  readonly snapshot: string;
  /** Name of the set whose prediction it is told as a difference to; whole when absent. */
  readonly base?: string;
}

const forTests = (name: string): ParameterSet => ({
  name,
  parameters: `test/infra/parameters/${name}.bicepparam`,
  snapshot: `test/infra/snapshots/${name}.json`,
  base: 'small',
});

/** The two sets that are deployed, then those that only show the other way of each choice. */
export const PARAMETER_SETS: readonly ParameterSet[] = [
  { name: 'small', parameters: 'infra/main.bicepparam', snapshot: 'test/infra/snapshots/small.json' },
  { name: 'production', parameters: 'infra/production.bicepparam', snapshot: 'test/infra/snapshots/production.json' },
  forTests('entra-recreate'),
  forTests('domain-first-private'),
  forTests('domain-second'),
];

/**
 * What the parameter files read from the environment, made up and the same everywhere. A workflow passes on as empty what it
 * does not have, as here ADMIN_IP_RANGES.
 */
export const EXAMPLE_VARIABLES = {
  PUBLIC_BASE_URL: 'https://mail.example.com',
  LINK_RETURN_URLS: '{"settings":"https://app.example.com/outlook/return"}',
  SERVICE_PROVIDER_CLIENT_ID: '11111111-1111-4111-8111-111111111111',
  ALERT_EMAILS: 'ops@example.com',
  // With the spaces and the comma too many that people type.
  PRODUCER_PRINCIPAL_IDS: ' 33333333-3333-4333-8333-333333333333 , ',
  UPLOADER_PRINCIPAL_IDS: '34343434-3434-4434-8434-343434343434',
  EVENT_READER_PRINCIPAL_IDS: '35353535-3535-4535-8535-353535353535',
  ADMIN_GROUP_ID: ' 44444444-4444-4444-8444-444444444444',
  ADMIN_IP_RANGES: '',
  RUNBOOK_URL: 'https://docs.example.com/runbook.md',
} as const;

export const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** A resource as the compiler predicts it. */
export interface PredictedResource {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly apiVersion: string;
  readonly location?: string;
  readonly kind?: string;
  readonly sku?: Readonly<Record<string, unknown>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly zones?: readonly string[] | null;
  readonly identity?: Readonly<Record<string, unknown>>;
  readonly scope?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface Prediction {
  readonly predictedResources: readonly PredictedResource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** A prediction as its difference to another: resources that are new or other, and ids of those that are not there. */
export interface Difference {
  readonly base: string;
  readonly changed: readonly PredictedResource[];
  readonly absent: readonly string[];
  readonly outputs: Readonly<Record<string, unknown>>;
}
