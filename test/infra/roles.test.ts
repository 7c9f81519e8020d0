import { describe, expect, it } from 'vitest';
import { DATA_OPERATIONS, QUEUES } from '../../shared/storage-names.ts';
import { EXAMPLE_VARIABLES } from '../../tools/infra-sets.ts';
import { read, tableBelow } from '../guard/repository.ts';
import { assignmentsOf, KINDS } from './support/assignments.ts';
import { allowed, NEEDED, ROLES, type RoleName, suffices } from './support/role-definitions.ts';
import { resourcesOf, SET_NAMES } from './support/snapshot.ts';

/** `queues/outlook-mail` and what is done to it. */
const OPERATIONS: readonly (readonly [string, readonly string[]])[] = [
  ...KINDS.flatMap((kind) =>
    Object.entries(DATA_OPERATIONS[kind]).map(([name, operations]) => [`${kind}/${name}`, operations] as const),
  ),
  ['vaults/kv', DATA_OPERATIONS.vault.secrets],
];

const UPLOADER = EXAMPLE_VARIABLES.UPLOADER_PRINCIPAL_IDS;
const PRODUCER = EXAMPLE_VARIABLES.PRODUCER_PRINCIPAL_IDS.replaceAll(/[ ,]/g, '');
const ADMINS = EXAMPLE_VARIABLES.ADMIN_GROUP_ID.trim();

const placeOf = (on: string) => (on.startsWith('vaults/') ? 'vaults/kv' : on);
const rolesOn = (place: string) =>
  assignmentsOf('production')
    .filter(({ who, on }) => who === 'app' && placeOf(on) === place)
    .map(({ role }) => role);
const union = (roles: readonly RoleName[]) => new Set(roles.flatMap(allowed));
const covers = (roles: readonly RoleName[], operations: readonly string[]) =>
  operations.every((operation) => suffices(union(roles), operation));

describe('the app', () => {
  it.each(OPERATIONS)('may do to %s what it does there', (place, operations) => {
    expect(operations.filter((operation) => !(operation in NEEDED))).toEqual([]);
    expect(operations.filter((operation) => !suffices(union(rolesOn(place)), operation))).toEqual([]);
  });

  it.each(OPERATIONS)('has on %s no role that could be left out, or be a narrower one', (place, operations) => {
    const roles = rolesOn(place);
    for (const role of roles) {
      const others = roles.filter((other) => other !== role);
      expect(covers(others, operations), `${place} needs ${role}`).toBe(false);
      const narrower = (Object.keys(ROLES) as RoleName[]).filter(
        (other) =>
          other !== role && allowed(other).length < allowed(role).length && covers([...others, other], operations),
      );
      expect(narrower, `instead of ${role} on ${place}`).toEqual([]);
    }
  });

  it('has roles on what it uses and nowhere else', () => {
    const places = assignmentsOf('production')
      .filter(({ who }) => who === 'app')
      .map(({ role, on }) => (/^(queues|tables|containers)\//.test(on) ? on : `${on.split('/')[0]}: ${role}`));
    const storage = OPERATIONS.map(([place]) => place).filter((place) => place !== 'vaults/kv');
    expect([...new Set(places)].sort()).toEqual(
      [
        ...storage,
        'vaults: Key Vault Secrets Officer',
        'components: Monitoring Metrics Publisher',
        'storageAccounts: Storage Blob Data Owner',
        'storageAccounts: Storage Table Data Contributor',
      ].sort(),
    );
    const accounts = assignmentsOf('production').filter(({ who, on }) => who === 'app' && on.startsWith('storageAcc'));
    expect(accounts.every(({ on }) => on.includes('/sthost'))).toBe(true);
  });

  it('is told in docs/permissions.md, with what its roles allow beyond that', () => {
    const rows = tableBelow(read('docs/permissions.md'), '## The app on its data');
    const told = rows.map(([on = '', operations, roles, beyond]) => [
      on.replaceAll('`', ''),
      operations,
      roles,
      beyond,
    ]);
    const short = (action: string) => action.replace(/^.*\/(queues|tables|containers|secrets)\//, '$1/');
    const expected = OPERATIONS.map(([place, operations]) => {
      const roles = rolesOn(place);
      const used = new Set(operations.flatMap((operation) => (NEEDED[operation] ?? []).flat()));
      const beyond = [...union(roles)].filter((action) => !used.has(action)).map(short);
      const name = place === 'vaults/kv' ? 'secrets of the vault' : place.split('/')[1];
      return [name, operations.join(', '), roles.toSorted().join(', '), beyond.toSorted().join(', ') || 'nothing'];
    });
    expect(told).toEqual(expected);
  });
});

describe('others', () => {
  it('that produce mail may put messages on one queue, and nothing else', () => {
    const producer = assignmentsOf('small').filter(({ who }) => who === PRODUCER);
    expect(producer.map(({ role, on }) => `${role} on ${on}`)).toEqual([
      `Storage Queue Data Message Sender on queues/${QUEUES.mail}`,
    ]);
  });

  it('that upload content may do so in mail-drop alone', () => {
    const uploader = assignmentsOf('production').filter(({ who, role }) => who === UPLOADER && role.includes('Blob'));
    expect(uploader.map(({ role, on }) => `${role} on ${on}`)).toEqual([
      'Storage Blob Data Contributor on containers/mail-drop',
    ]);
  });

  it('that fetch events may take them off their queue, and nothing else', () => {
    const reader = assignmentsOf('small').filter(({ who }) => who === EXAMPLE_VARIABLES.EVENT_READER_PRINCIPAL_IDS);
    expect(reader.map(({ role, on }) => `${role} on ${on}`)).toEqual([
      `Storage Queue Data Message Processor on queues/${QUEUES.events}`,
    ]);
  });

  it('that operate it see everything but the values of secrets, and change nothing but the function app', () => {
    const admins = assignmentsOf('production').filter(({ who }) => who === ADMINS);
    const writing = admins.filter(({ role }) => !/Reader$/.test(role));
    expect(writing.map(({ role }) => role)).toEqual(['Website Contributor']);
    const onVault = admins.filter(({ on }) => on.startsWith('vaults/')).map(({ role }) => role);
    expect(onVault).toEqual(['Key Vault Reader']);
    expect(admins.filter(({ on }) => on.startsWith('containers/')).map(({ on }) => on)).toEqual([
      'containers/rejected-mail',
    ]);
  });
});

describe('whoever deploys', () => {
  it('may give exactly the roles that are given here, to applications and groups', () => {
    const condition = read('infra/deployer-condition.txt');
    const used = SET_NAMES.flatMap((set) => assignmentsOf(set).map(({ role }) => ROLES[role].id));
    const lists = [...condition.matchAll(/GuidEquals \{([^}]*)\}/g)].map(([, list = '']) =>
      list.split(',').map((id) => id.trim()),
    );
    expect(lists).toHaveLength(2);
    for (const list of lists) expect(list.toSorted()).toEqual([...new Set(used)].sort());
    expect(condition.match(/\{'Group', 'ServicePrincipal'\}/g)).toHaveLength(2);
    expect(read('docs/deploy.md')).toContain('infra/deployer-condition.txt');
  });
});

describe('assignments', () => {
  it.each(SET_NAMES)('of %s are made once each', (set) => {
    const made = assignmentsOf(set).map(({ who, role, on }) => `${who} ${role} ${on}`);
    expect(made.filter((one, index) => made.indexOf(one) !== index)).toEqual([]);
  });

  it.each(SET_NAMES)(
    'of %s are named after scope, principal and role, so that a second deployment finds them',
    (set) => {
      const named = resourcesOf('Microsoft.Authorization/roleAssignments', set).map(({ name }) => name);
      expect(
        named.filter((name) => !/^[0-9a-f-]{36}$|^\[guid\('.+', reference\(.+\)\.principalId, '.+'\)\]$/.test(name)),
      ).toEqual([]);
      expect(new Set(named).size).toBe(named.length);
    },
  );
});
