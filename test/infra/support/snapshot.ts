import { readFileSync } from 'node:fs';
import {
  type Difference,
  PARAMETER_SETS,
  type PredictedResource,
  type Prediction,
  ROOT,
} from '../../../tools/infra-sets.ts';

export type SetName = 'small' | 'production' | 'entra-recreate' | 'domain-first-private' | 'domain-second';

/** The committed predictions by set; `npm run infra:check` holds them equal to what infra/ says. */
export const predictions: ReadonlyMap<string, Prediction> = readAll();

function readAll(): Map<string, Prediction> {
  const all = new Map<string, Prediction>();
  for (const { name, snapshot } of PARAMETER_SETS) {
    const told = JSON.parse(readFileSync(`${ROOT}${snapshot}`, 'utf8')) as Prediction | Difference;
    all.set(name, 'base' in told ? applied(told, all.get(told.base)) : told);
  }
  return all;
}

function applied({ absent, changed, outputs }: Difference, base: Prediction | undefined): Prediction {
  const replaced = new Set([...absent, ...changed.map(({ id }) => id)]);
  const kept = base?.predictedResources.filter(({ id }) => !replaced.has(id)) ?? [];
  return { predictedResources: [...kept, ...changed], outputs };
}

export const SET_NAMES = [...predictions.keys()] as SetName[];

export function resourcesOf(type: string, set: SetName = 'small'): PredictedResource[] {
  return predictions.get(set)?.predictedResources.filter((resource) => resource.type === type) ?? [];
}

/** The only resource of a type. */
export function onlyResource(type: string, set: SetName = 'small'): PredictedResource {
  const [first, ...more] = resourcesOf(type, set);
  if (!first || more.length > 0) throw new Error(`${more.length + (first ? 1 : 0)} resources are ${type}`);
  return first;
}

/** The last parts of the names of all resources of a type, sorted. */
export function namesOf(type: string, set: SetName = 'small'): string[] {
  return resourcesOf(type, set)
    .map((resource) => resource.name.slice(resource.name.lastIndexOf('/') + 1))
    .sort();
}

/** The settings that the app gets. */
export function appSettings(set: SetName): Record<string, string> {
  const { properties } = onlyResource('Microsoft.Web/sites/config', set);
  return properties as Record<string, string>;
}
