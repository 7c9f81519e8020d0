metadata name = 'Alerts'
metadata description = 'When somebody must look. Each alert is a query of infra/queries, and its name is the heading of its paragraph in docs/runbook.md.'

import { resourceNames } from 'names.bicep'

@description('Required. Region of the alerts.')
param location string

@description('Required. Tags of the alerts.')
param tags { *: string }

@description('Required. Names of the resources.')
param names resourceNames

@description('Required. Address of the runbook, without a heading.')
param runbookUrl string

resource insights 'Microsoft.Insights/components@2020-02-02' existing = { name: names.insights }
resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = { name: names.actionGroup }
resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = { name: names.vault }
resource dataStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: names.dataStorage }

@description('An alert that looks through the logs. It counts rows, or adds up a column of them.')
type logAlert = {
  name: string
  says: string
  query: string
  severity: 1 | 2 | 3
  every: 'P1D' | 'PT15M' | 'PT5M'
  @description('Longer than every, or a line that arrives some minutes late would never be looked at.')
  over: 'P1D' | 'PT15M' | 'PT2H' | 'PT30M'
  column: string?
  when: 'GreaterThan' | 'LessThan'
  threshold: int
  @description('Stays until somebody closes it, and repeats at most every 15 minutes: what happened is not over when nothing more happens.')
  stays: bool?
}

var logAlerts logAlert[] = [
  {
    name: 'graph-refuses-fresh-tokens'
    says: 'Graph refuses tokens that Microsoft has just issued, of three connections or more'
    query: loadTextContent('../queries/alert-graph-refuses-fresh-tokens.kql')
    severity: 1
    every: 'PT5M'
    over: 'PT15M'
    column: 'connections'
    when: 'GreaterThan'
    threshold: 2
  }
  {
    name: 'service-provider-credential-refused'
    says: 'Microsoft refuses the credential of RoboMQ\'s application'
    query: loadTextContent('../queries/alert-service-provider-credential-refused.kql')
    severity: 1
    every: 'PT5M'
    over: 'PT15M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'mail-not-flowing'
    says: 'Mail has done nothing but wait for half an hour'
    query: loadTextContent('../queries/alert-mail-not-flowing.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT2H' // A lane may rest for an hour at a time.
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'mail-expired'
    says: 'Mail could not go in time'
    query: loadTextContent('../queries/alert-mail-expired.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'mail-uncertain'
    says: 'Mail may or may not have been sent'
    query: loadTextContent('../queries/alert-mail-uncertain.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'mail-not-taken'
    says: 'A queue message could not be read or belongs to nobody'
    query: loadTextContent('../queries/alert-mail-not-taken.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'mail-poisoned'
    says: 'A message failed fifteen times'
    query: loadTextContent('../queries/alert-mail-poisoned.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'poison-queue'
    says: 'A poison queue is not empty'
    query: loadTextContent('../queries/alert-poison-queue.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'queue-age'
    says: 'Work lies on a queue for more than 15 minutes'
    query: loadTextContent('../queries/alert-queue-age.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'events-unread'
    says: 'Nobody fetches the events'
    query: loadTextContent('../queries/alert-events-unread.kql')
    severity: 3
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'measure-absent'
    says: 'The app has not reported for 15 minutes'
    query: loadTextContent('../queries/alert-measure-absent.kql')
    severity: 1
    every: 'PT5M'
    over: 'PT15M'
    when: 'LessThan'
    threshold: 1
  }
  {
    name: 'exceptions'
    says: 'Functions fail in ways that nobody foresaw'
    query: loadTextContent('../queries/alert-exceptions.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 5
  }
  {
    name: 'http-5xx'
    says: 'The API answers with server errors'
    query: loadTextContent('../queries/alert-http-5xx.kql')
    severity: 2
    every: 'PT5M'
    over: 'PT15M'
    column: 'answers'
    when: 'GreaterThan'
    threshold: 10
  }
  {
    name: 'connections-in-trouble'
    says: 'A connection holds its mail until somebody acts'
    query: loadTextContent('../queries/alert-connections-in-trouble.kql')
    severity: 3
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'trouble-ahead'
    says: 'A connection stops working within 14 days'
    query: loadTextContent('../queries/alert-trouble-ahead.kql')
    severity: 3
    every: 'P1D'
    over: 'P1D'
    when: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'security'
    says: 'A link was confirmed with a session that did not start it'
    query: loadTextContent('../queries/alert-security.kql')
    severity: 1
    every: 'PT5M'
    over: 'PT15M'
    when: 'GreaterThan'
    threshold: 0
    stays: true
  }
  {
    name: 'vault-refused'
    says: 'The vault did not take or delete a secret'
    query: loadTextContent('../queries/alert-vault-refused.kql')
    severity: 2
    every: 'PT15M'
    over: 'PT30M'
    when: 'GreaterThan'
    threshold: 0
  }
]

@description('An alert on a metric of the platform.')
type metricAlert = {
  name: string
  says: string
  scopeId: string
  namespace: 'Microsoft.KeyVault/vaults' | 'Microsoft.Storage/storageAccounts'
  metric: string
  dimension: string
  values: string[]
  @description('In 15 minutes. The SDKs try again by themselves, so a few are nothing.')
  threshold: int
}

var metricAlerts metricAlert[] = [
  {
    name: 'vault-throttled'
    says: 'The vault turns requests away because there are too many'
    scopeId: vault.id
    namespace: 'Microsoft.KeyVault/vaults'
    metric: 'ServiceApiResult'
    dimension: 'StatusCode'
    values: ['429']
    threshold: 10
  }
  {
    name: 'storage-throttled'
    says: 'Storage turns requests away because there are too many'
    scopeId: dataStorage.id
    namespace: 'Microsoft.Storage/storageAccounts'
    metric: 'Transactions'
    dimension: 'ResponseType'
    values: ['ClientAccountRequestThrottlingError', 'ClientThrottlingError', 'ServerBusyError']
    threshold: 100
  }
]

resource logRules 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for alert in logAlerts: {
    name: 'alert-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Outlook sender: ${alert.says}'
      description: 'What to do: ${runbookUrl}#${alert.name}'
      enabled: true
      severity: alert.severity
      scopes: [insights.id]
      evaluationFrequency: alert.every
      windowSize: alert.over
      // A daily one cannot take itself back; Azure refuses it for more than 12 hours.
      autoMitigate: alert.every != 'P1D' && !(alert.?stays ?? false)
      muteActionsDuration: (alert.?stays ?? false) ? 'PT15M' : null
      // A workspace that is minutes old may not know its tables yet, and the first deployment would fail for it. The
      // queries are checked by the tests, against the same tables.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: alert.?column == null ? 'Count' : 'Total'
            metricMeasureColumn: alert.?column
            operator: alert.when
            threshold: alert.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: {
        actionGroups: [actionGroup.id]
        customProperties: { runbook: '${runbookUrl}#${alert.name}' }
      }
    }
  }
]

resource metricRules 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for alert in metricAlerts: {
    name: 'alert-${alert.name}'
    location: 'global'
    tags: tags
    properties: {
      description: '${alert.says}. What to do: ${runbookUrl}#${alert.name}'
      enabled: true
      severity: 2
      scopes: [alert.scopeId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'throttled'
            metricNamespace: alert.namespace
            metricName: alert.metric
            timeAggregation: alert.metric == 'Transactions' ? 'Total' : 'Count'
            operator: 'GreaterThan'
            threshold: alert.threshold
            dimensions: [{ name: alert.dimension, operator: 'Include', values: alert.values }]
          }
        ]
      }
      actions: [{ actionGroupId: actionGroup.id, webHookProperties: { runbook: '${runbookUrl}#${alert.name}' } }]
    }
  }
]

@description('Names of all alerts, which are headings of the runbook.')
output names string[] = concat(map(logAlerts, alert => alert.name), map(metricAlerts, alert => alert.name))
