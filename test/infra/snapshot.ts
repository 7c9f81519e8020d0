import { readFileSync } from 'node:fs';

/** A resource as Bicep predicts it for infra/main.bicepparam. */
export interface PredictedResource {
  type: string;
  name: string;
  properties?: Record<string, unknown>;
}

interface Snapshot {
  predictedResources: PredictedResource[];
  outputs: Record<string, unknown>;
}

/** The committed prediction; `npm run infra:check` holds it equal to what infra/ says. */
export const snapshot: Snapshot = JSON.parse(
  readFileSync(new URL('../../infra/main.snapshot.json', import.meta.url), 'utf8'),
);

export function resourcesOf(type: string): PredictedResource[] {
  return snapshot.predictedResources.filter((resource) => resource.type === type);
}

/** The last parts of the names of all resources of a type, sorted. */
export function namesOf(type: string): string[] {
  return resourcesOf(type)
    .map((resource) => resource.name.slice(resource.name.lastIndexOf('/') + 1))
    .sort();
}
