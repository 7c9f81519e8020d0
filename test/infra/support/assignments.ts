import { ROLES, type RoleName } from './role-definitions.ts';
import { resourcesOf, type SetName } from './snapshot.ts';

export interface Assignment {
  /** `app`, or an object id. */
  readonly who: string;
  readonly role: RoleName;
  /** Last type and name of the resource: `queues/outlook-mail`. */
  readonly on: string;
}

/** The role assignments that a parameter set makes. */
export function assignmentsOf(set: SetName): Assignment[] {
  return resourcesOf('Microsoft.Authorization/roleAssignments', set).map(({ id, name, properties }) => {
    const { principalId, roleDefinitionId } = properties as { principalId: string; roleDefinitionId: string };
    // A name that waits for the identity's object ID is told as its expression, whose first word is the scope.
    const expression = /^\[guid\('([^']+)'/.exec(name)?.[1];
    const [scope = ''] = expression ? [expression] : id.split('/providers/Microsoft.Authorization/roleAssignments/');
    const role = (Object.keys(ROLES) as RoleName[]).find((name) => roleDefinitionId.endsWith(ROLES[name].id));
    if (!role) throw new Error(`${roleDefinitionId} is a role that test/infra/role-definitions.ts does not know`);
    return {
      who: principalId.startsWith('[reference(') && principalId.includes('/id-outlook-sender-') ? 'app' : principalId,
      role,
      on: scope.split('/').slice(-2).join('/'),
    };
  });
}

/** A kind of resource that DATA_OPERATIONS names, as the last but one part of a resource ID. */
export const KINDS = ['queues', 'tables', 'containers'] as const;
