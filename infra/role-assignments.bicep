metadata name = 'Role assignments'
metadata description = 'Who may do what: the one list. Each entry is the narrowest built-in role at the narrowest scope; docs/permissions.md says what it allows beyond our calls.'

import { assignment } from 'modules/role-assignments.bicep'

var names = loadJsonContent('storage-names.json')

@export()
@description('What the managed identity of the function app may do.')
var appRoles assignment[] = concat(
  // The host receives, renews and deletes messages here. Renewing needs messages/write, which Message Processor lacks.
  map(
    [names.queues.mail, names.queues.lanes, names.queues.checks],
    queue => { role: 'Storage Queue Data Contributor', on: 'queue', name: queue }
  ),
  // The host puts messages there, a timer of ours takes them off, and measuring looks at their number.
  flatten(map(
    [names.poisonQueues[0], names.poisonQueues[1]],
    queue => [
      { role: 'Storage Queue Data Message Sender', on: 'queue', name: queue }
      { role: 'Storage Queue Data Message Processor', on: 'queue', name: queue }
      { role: 'Storage Queue Data Reader', on: 'queue', name: queue }
    ]
  )),
  // Nobody of ours reads these; measuring looks at their length and their oldest message.
  flatten(map(
    [names.queues.events, names.poisonQueues[2]],
    queue => [
      { role: 'Storage Queue Data Message Sender', on: 'queue', name: queue }
      { role: 'Storage Queue Data Reader', on: 'queue', name: queue }
    ]
  )),
  map(items(names.tables), table => { role: 'Storage Table Data Contributor', on: 'table', name: table.value }),
  map(
    items(names.containers),
    container => { role: 'Storage Blob Data Contributor', on: 'container', name: container.value }
  ),
  [
    { role: 'Key Vault Secrets Officer', on: 'vault' }
    // What the Functions host asks for: locks and timers, the deployed code, its diagnostic events.
    { role: 'Storage Blob Data Owner', on: 'hostStorage' }
    { role: 'Storage Table Data Contributor', on: 'hostStorage' }
    { role: 'Monitoring Metrics Publisher', on: 'insights' }
  ]
)

@export()
@description('What whoever submits mail through the queue may do.')
var producerRoles assignment[] = [
  { role: 'Storage Queue Data Message Sender', on: 'queue', name: names.queues.mail }
]

@export()
@description('What whoever uploads mail content may do.')
var uploaderRoles assignment[] = [
  { role: 'Storage Blob Data Contributor', on: 'container', name: names.containers.drop }
]

@export()
@description('What whoever fetches events may do.')
var eventReaderRoles assignment[] = [
  { role: 'Storage Queue Data Message Processor', on: 'queue', name: names.queues.events }
]

@export()
@description('What the people may do who operate the service: see everything but secrets, run the functions, change settings.')
var adminRoles assignment[] = [
  // Reads every resource too, as Reader does.
  { role: 'Log Analytics Reader', on: 'resourceGroup' }
  { role: 'Website Contributor', on: 'site' }
  { role: 'Storage Queue Data Reader', on: 'dataStorage' }
  { role: 'Storage Table Data Reader', on: 'dataStorage' }
  { role: 'Storage Blob Data Reader', on: 'container', name: names.containers.rejected }
  { role: 'Key Vault Reader', on: 'vault' }
]
