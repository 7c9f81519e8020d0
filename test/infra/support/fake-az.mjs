#!/usr/bin/env node
// Stands in for the Azure CLI: keeps applications in a file, and writes down every command that changes something.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const file = process.env.FAKE_AZ_STATE;
const state = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { applications: [], changes: [] };
const words = process.argv.slice(2);
const firstOption = words.findIndex((word) => word.startsWith('--'));
const command = words.slice(0, firstOption).join(' ');
const options = {};
const lists = {};
for (let index = firstOption; index < words.length; ) {
  const option = words[index];
  const next = words.findIndex((word, at) => at > index && word.startsWith('--'));
  const values = words.slice(index + 1, next < 0 ? undefined : next);
  options[option] = values[0];
  lists[option] = values;
  index += 1 + values.length;
}

const one = () => state.applications.find(({ appId }) => appId === options['--id']);
const ids = (application) =>
  application.requiredResourceAccess.flatMap(({ resourceAccess }) => resourceAccess.map(({ id }) => id)).sort();
/** The questions that the script asks, by the text of its queries. */
const ASKED = {
  displayName: ({ displayName }) => displayName,
  signInAudience: ({ signInAudience }) => signInAudience,
  'api.requestedAccessTokenVersion': ({ tokenVersion }) => tokenVersion ?? '',
  "join(' ', web.redirectUris)": ({ redirectUris }) => redirectUris.join(' '),
  "join(' ', sort(requiredResourceAccess[].resourceAccess[].id))": (application) => ids(application).join(' '),
};
const named = () => {
  const name = /^displayName eq '(.*)'$/.exec(options['--filter'])[1].replaceAll("''", "'");
  return state.applications.filter(({ displayName }) => displayName === name);
};
const apply = (application) => {
  if (options['--sign-in-audience']) application.signInAudience = options['--sign-in-audience'];
  if (options['--web-redirect-uris']) application.redirectUris = lists['--web-redirect-uris'];
  if (options['--requested-access-token-version'])
    application.tokenVersion = Number(options['--requested-access-token-version']);
  // As Entra does: https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation
  if (application.signInAudience === 'AzureADandPersonalMicrosoftAccount' && application.tokenVersion !== 2)
    throw new Error('Property api.requestedAccessTokenVersion is invalid.');
  if (options['--required-resource-accesses'])
    application.requiredResourceAccess = JSON.parse(options['--required-resource-accesses']);
};

const READS = {
  'account show': () => '55555555-5555-4555-8555-555555555555',
  'ad app list': () =>
    named()
      .map(({ appId }) => appId)
      .join('\n'),
  'ad app show': () => ASKED[options['--query']](one()),
  'ad sp list': () => {
    const appId = /^appId eq '(.*)'$/.exec(options['--filter'])[1];
    return state.applications.find((application) => application.appId === appId)?.servicePrincipal ?? '';
  },
  'ad app federated-credential list': () =>
    one()
      .credentials.filter(({ name }) => options['--query'].startsWith(`[?name=='${name}'].`))
      .map(({ issuer, subject, audiences }) => [issuer, subject, ...audiences].join(' '))
      .join('\n'),
};
const WRITES = {
  'ad app create': () => {
    const appId = `aaaaaaaa-0000-4000-8000-00000000000${state.applications.length}`;
    const application = { appId, displayName: options['--display-name'], credentials: [] };
    apply(application);
    state.applications.push(application);
  },
  'ad app update': () => apply(one()),
  'ad sp create': () => {
    one().servicePrincipal = 'bbbbbbbb-0000-4000-8000-000000000000';
  },
  'ad app federated-credential create': () => one().credentials.push(JSON.parse(options['--parameters'])),
  'ad app federated-credential update': () => {
    const id = options['--federated-credential-id'];
    one().credentials = one().credentials.map((each) =>
      each.name === id ? JSON.parse(options['--parameters']) : each,
    );
  },
};

if (command === 'ad app show' && !one()) {
  console.error('Resource does not exist');
  process.exitCode = 3;
} else if (READS[command]) console.log(READS[command]());
else if (WRITES[command]) {
  WRITES[command]();
  state.changes.push(command);
  writeFileSync(file, JSON.stringify(state));
} else {
  console.error(`az ${command} is not known here`);
  process.exitCode = 2;
}
