metadata name = 'Workbook'
metadata description = 'What an admin looks at first: is mail flowing, what is stuck and why. Each table or chart is a query of infra/queries.'

@description('Required. Name of the Application Insights resource.')
param insightsName string

@description('Required. Region of the workbook.')
param location string

@description('Required. Tags of the workbook.')
param tags { *: string }

resource insights 'Microsoft.Insights/components@2020-02-02' existing = { name: insightsName }

@description('A query as the workbook shows it.')
type view = { title: string, query: string, shown: 'barchart' | 'categoricalbar' | 'table' | 'timechart', empty: string }

var views view[] = [
  {
    title: 'Mail by outcome and hour'
    query: loadTextContent('../queries/mails-by-outcome-and-hour.kql')
    shown: 'categoricalbar'
    empty: 'Nothing was sent.'
  }
  {
    title: 'Uncertain and rejected mail, with reasons'
    query: loadTextContent('../queries/mails-in-doubt.kql')
    shown: 'table'
    empty: 'Nothing is in doubt.'
  }
  {
    title: 'Lanes by gate: everything but open holds mail'
    query: loadTextContent('../queries/lanes-held.kql')
    shown: 'categoricalbar'
    empty: 'Nothing was measured.'
  }
  {
    title: 'Connections that began to hold mail'
    query: loadTextContent('../queries/connections-held-lately.kql')
    shown: 'table'
    empty: 'None.'
  }
  {
    title: 'Connections by status'
    query: loadTextContent('../queries/connections-by-status.kql')
    shown: 'categoricalbar'
    empty: 'Nothing was measured.'
  }
  {
    title: 'Connections by days to trouble'
    query: loadTextContent('../queries/connections-by-days-to-trouble.kql')
    shown: 'categoricalbar'
    empty: 'Nothing was measured.'
  }
  {
    title: 'Lanes that wait: throttling, recipients of the day, Microsoft away, sending stopped'
    query: loadTextContent('../queries/throttling.kql')
    shown: 'table'
    empty: 'No lane had to wait.'
  }
  {
    title: 'Lanes that do nothing but wait'
    query: loadTextContent('../queries/alert-mail-not-flowing.kql')
    shown: 'table'
    empty: 'None.'
  }
  {
    title: 'Mail that expired'
    query: loadTextContent('../queries/alert-mail-expired.kql')
    shown: 'table'
    empty: 'None.'
  }
  {
    title: 'Mail that was not taken, or refused at intake'
    query: loadTextContent('../queries/rejected-mail.kql')
    shown: 'table'
    empty: 'None.'
  }
  {
    title: 'Poisoned messages and dead mail'
    query: loadTextContent('../queries/poison.kql')
    shown: 'table'
    empty: 'None.'
  }
  {
    title: 'Queues: messages, and age of the oldest'
    query: loadTextContent('../queries/queues.kql')
    shown: 'timechart'
    empty: 'Nothing was measured.'
  }
  {
    title: 'Links by end'
    query: loadTextContent('../queries/links.kql')
    shown: 'table'
    empty: 'Nobody linked a mailbox.'
  }
]

var timeRange = {
  type: 9
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    parameters: [
      {
        id: guid('time-range')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time range'
        type: 4
        isRequired: true
        value: { durationMs: 86400000 }
        typeSettings: {
          selectableValues: [
            { durationMs: 3600000 }
            { durationMs: 14400000 }
            { durationMs: 86400000 }
            { durationMs: 604800000 }
            { durationMs: 2592000000 }
          ]
          allowCustom: true
        }
      }
    ]
  }
  name: 'time range'
}

var content = {
  version: 'Notebook/1.0'
  items: concat(
    [timeRange],
    map(views, (one, index) => {
      type: 3
      content: {
        version: 'KqlItem/1.0'
        title: one.title
        query: one.query
        size: 0
        noDataMessage: one.empty
        queryType: 0
        resourceType: 'microsoft.insights/components'
        timeContextFromParameter: 'TimeRange'
        visualization: one.shown
      }
      name: 'view ${index}'
    })
  )
  fallbackResourceIds: [insights.id]
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'outlook-sender')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'Outlook sender'
    serializedData: string(content)
    sourceId: insights.id
    version: '1.0'
  }
}

@description('Resource ID of the workbook.')
output id string = workbook.id
