import { describe, expect, it } from 'vitest';
import { read, tableBelow } from '../guard/repository.ts';
import { findings } from './support/kusto.ts';
import { QUERIES } from './support/queries.ts';
import { onlyResource, resourcesOf, SET_NAMES } from './support/snapshot.ts';

interface LogRule {
  readonly description: string;
  readonly severity: number;
  readonly autoMitigate: boolean;
  readonly muteActionsDuration: string | null;
  readonly evaluationFrequency: string;
  readonly windowSize: string;
  readonly scopes: readonly string[];
  readonly criteria: {
    readonly allOf: readonly [
      { query: string; metricMeasureColumn?: string | null; operator: string; threshold: number },
    ];
  };
  readonly actions: { readonly actionGroups: readonly string[]; readonly customProperties: { runbook: string } };
}

const rules = resourcesOf('Microsoft.Insights/scheduledQueryRules').map(({ name, properties }) => ({
  name: name.replace(/^alert-/, ''),
  properties: properties as unknown as LogRule,
}));
const metricRules = resourcesOf('Microsoft.Insights/metricAlerts').map(({ name, properties }) => ({
  name: name.replace(/^alert-/, ''),
  description: (properties as { description: string }).description,
  threshold: (properties as { criteria: { allOf: [{ threshold: number }] } }).criteria.allOf[0].threshold,
}));
const rule = (name: string): LogRule => {
  const found = rules.find((one) => one.name === name);
  if (!found) throw new Error(`There is no alert ${name}`);
  return found.properties;
};
const { serializedData } = onlyResource('Microsoft.Insights/workbooks').properties as { serializedData: string };
const { items } = JSON.parse(serializedData) as { items: { content: { title?: string; query?: string } }[] };
/** The queries that the workbook shows. */
const shown = items.map(({ content }) => content).filter(({ query }) => query !== undefined);
const headings = [...read('docs/runbook.md').matchAll(/^### (.+)$/gm)].map(([, heading = '']) => heading);

describe('Kusto', () => {
  it('finds what is wrong', () => {
    expect(findings('traces | where messag == 1')).not.toEqual([]);
    expect(findings('trace | take 1')).not.toEqual([]);
    expect(findings('traces | wher message == ""')).not.toEqual([]);
    expect(findings('traces | summarize count() by bin(message, 1h)')).not.toEqual([]);
  });

  it.each(QUERIES)('finds nothing wrong with $name', ({ text }) => {
    expect(findings(text)).toEqual([]);
  });
});

describe('queries', () => {
  it('are each used by an alert or the workbook', () => {
    const used = new Set([
      ...rules.map(({ properties }) => properties.criteria.allOf[0].query),
      ...shown.map(({ query }) => query),
    ]);
    const unused = QUERIES.filter(({ text }) => !used.has(text));
    expect(unused.map(({ name }) => name)).toEqual([]);
  });

  it('filter on the text of the message before they parse it: the rest of the logs is not looked at', () => {
    for (const { name, text } of QUERIES.filter((query) => query.text.includes('parse_json')))
      expect(text.indexOf('message startswith'), name).toBeLessThan(text.indexOf('parse_json'));
  });
});

describe('alerts', () => {
  it('are those for which the runbook has a paragraph, and it has no other', () => {
    const names = [...rules, ...metricRules].map(({ name }) => name);
    expect(names.toSorted()).toEqual(headings.toSorted());
    expect(names).toEqual(
      expect.arrayContaining([
        'graph-refuses-fresh-tokens',
        'service-provider-credential-refused',
        'mail-not-flowing',
        'mail-expired',
        'mail-uncertain',
        'mail-not-taken',
        'poison-queue',
        'queue-age',
        'measure-absent',
        'exceptions',
        'http-5xx',
        'trouble-ahead',
        'connections-in-trouble',
        'security',
        'vault-throttled',
      ]),
    );
  });

  it.each(rules)('$name leads to its paragraph and tells the action group', ({ name, properties }) => {
    const link = `https://docs.example.com/runbook.md#${name}`;
    expect(properties.description).toBe(`What to do: ${link}`);
    expect(properties.actions.customProperties.runbook).toBe(link);
    expect(properties.actions.actionGroups).toHaveLength(1);
    const query = QUERIES.find((one) => one.name === `alert-${name}`);
    expect(properties.criteria.allOf[0].query).toBe(query?.text);
    const column = properties.criteria.allOf[0].metricMeasureColumn;
    if (column) expect(query?.text).toMatch(new RegExp(`summarize ${column} = `));
  });

  it.each(metricRules)('$name leads to its paragraph', ({ name, description }) => {
    expect(description).toContain(`https://docs.example.com/runbook.md#${name}`);
  });

  it('look back further than to their last look, since telemetry arrives minutes late', () => {
    const minutes = (duration: string) => ({ PT5M: 5, PT15M: 15, PT30M: 30, PT2H: 120, P1D: 1440 })[duration];
    for (const { name, properties } of rules) {
      const [every, over] = [minutes(properties.evaluationFrequency), minutes(properties.windowSize)];
      if (every !== 1440) expect(over, name).toBeGreaterThan(every ?? Number.POSITIVE_INFINITY);
    }
  });

  it('cost what docs/costs.md says: by how often each looks', () => {
    const often = rules.filter(({ properties }) => properties.evaluationFrequency === 'PT5M').length;
    expect(read('docs/costs.md')).toContain(
      `${often} every 5 minutes at 1.50, ${rules.length - often} rarer at 0.50 | ${(often * 1.5 + (rules.length - often) * 0.5).toFixed(2)} |`,
    );
  });

  it('of security stay until somebody closes them, and repeat every quarter of an hour at most', () => {
    const { autoMitigate, muteActionsDuration } = rule('security');
    expect([autoMitigate, muteActionsDuration]).toEqual([false, 'PT15M']);
    for (const { name, properties } of rules.filter(({ name }) => name !== 'security'))
      expect(properties.muteActionsDuration, name).toBeNull();
  });

  it('wake somebody for tokens that Graph refuses from three connections on', () => {
    expect(rule('graph-refuses-fresh-tokens')).toMatchObject({
      severity: 1,
      criteria: { allOf: [{ metricMeasureColumn: 'connections', operator: 'GreaterThan', threshold: 2 }] },
    });
  });

  it('on queues come for what was seen more than once: a peak is over before anybody looks', () => {
    for (const name of ['poison-queue', 'queue-age']) {
      expect(rule(name)).toMatchObject({ evaluationFrequency: 'PT15M', windowSize: 'PT30M' });
      expect(rule(name).criteria.allOf[0].query).toMatch(/\| where seen >= 3$/m);
    }
  });

  it('come where there is nothing at all, when the app is silent: rows are counted, not added up', () => {
    expect(rule('measure-absent').criteria.allOf[0]).toMatchObject({
      query: expect.not.stringContaining('summarize'),
      timeAggregation: 'Count',
      operator: 'LessThan',
      threshold: 1,
    });
  });

  it('see a refused credential of RoboMQ’s application in links as well as in mail', () => {
    expect(rule('service-provider-credential-refused').criteria.allOf[0].query).toContain('"link.failed"');
  });

  it('on throttling leave alone what the SDKs repeat by themselves', () => {
    for (const { name, threshold } of metricRules) expect(threshold, name).toBeGreaterThan(0);
  });

  it('cost what docs/costs.md says', () => {
    const often = rules.filter(({ properties }) => properties.evaluationFrequency === 'PT5M').length;
    const rows = new Map(
      tableBelow(read('docs/costs.md'), '## Every month, whatever is sent').map(([what, arithmetic, small]) => [
        what,
        [arithmetic, small],
      ]),
    );
    expect(rows.get('alerts on logs')).toEqual([
      `${often} every 5 minutes at 1.50, ${rules.length - often} rarer at 0.50`,
      (often * 1.5 + (rules.length - often) * 0.5).toFixed(2),
    ]);
    expect(rows.get('alerts on metrics')?.[0]).toBe(`${metricRules.length}, of 10 free`);
  });

  it('are the same in every deployment', () => {
    for (const set of SET_NAMES)
      expect(resourcesOf('Microsoft.Insights/scheduledQueryRules', set)).toHaveLength(rules.length);
  });

  it('tell somebody in what is deployed', () => {
    for (const set of ['small', 'production'] as const)
      expect(onlyResource('Microsoft.Insights/actionGroups', set).properties, set).toMatchObject({
        emailReceivers: [{ emailAddress: 'ops@example.com', useCommonAlertSchema: true }],
      });
  });
});

describe('the workbook', () => {
  it('has what an admin asks first', () => {
    const titles = shown.map(({ title }) => title).join('\n');
    for (const title of [
      'Mail by outcome and hour',
      'Uncertain and rejected mail, with reasons',
      'Lanes by gate',
      'Connections by days to trouble',
      'Lanes that wait: throttling',
      'Lanes that do nothing but wait',
      'Mail that expired',
      'Mail that was not taken',
      'Poisoned messages',
      'Queues',
    ])
      expect(titles).toContain(title);
  });
});
