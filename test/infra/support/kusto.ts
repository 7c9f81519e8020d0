import { createRequire } from 'node:module';

/**
 * Kusto's own parser, as far as it is used here. It is .NET compiled to JavaScript: it puts itself into global names, and
 * its constructors have numbers.
 */
interface KustoLanguage {
  readonly KustoCode: { ParseAndAnalyze(text: string, globals: Globals): { GetDiagnostics(): List<Diagnostic> } };
  readonly GlobalState: { readonly Default: Globals };
  readonly Symbols: {
    readonly TableSymbol: { From(schema: string): Table };
    readonly DatabaseSymbol: { readonly ctor: new (name: string, tables: readonly Table[]) => Database };
  };
}
interface Globals {
  WithDatabase(database: Database): Globals;
}
interface Table {
  WithName(name: string): Table;
}
interface Database {
  readonly Name: string;
}
interface List<T> {
  readonly Count: number;
  getItem(index: number): T;
}
interface Diagnostic {
  readonly Severity: string;
  readonly Message: string;
  readonly Start: number;
}

const require = createRequire(import.meta.url);
require('@kusto/language-service-next/bridge.min.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
const { Language: kusto } = (globalThis as unknown as { Kusto: { Language: KustoLanguage } }).Kusto;

/**
 * The tables of Application Insights that are ours to ask, with their columns:
 * https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete
 */
const COMMON =
  'timestamp: datetime, itemType: string, itemCount: int, itemId: string, customDimensions: dynamic, operation_Name: string, operation_Id: string, operation_ParentId: string, cloud_RoleName: string, cloud_RoleInstance: string, appId: string';
const TABLES = {
  traces: `(${COMMON}, message: string, severityLevel: int)`,
  requests: `(${COMMON}, id: string, name: string, url: string, success: string, resultCode: string, duration: real, performanceBucket: string)`,
  exceptions: `(${COMMON}, type: string, method: string, outerMessage: string, innermostMessage: string, problemId: string, severityLevel: int, details: dynamic)`,
};

const globals = kusto.GlobalState.Default.WithDatabase(
  new kusto.Symbols.DatabaseSymbol.ctor(
    'insights',
    Object.entries(TABLES).map(([name, schema]) => kusto.Symbols.TableSymbol.From(schema).WithName(name)),
  ),
);

/** What Kusto finds wrong with a query: syntax, tables and columns that do not exist, types that do not fit. */
export function findings(query: string): string[] {
  const diagnostics = kusto.KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: diagnostics.Count }, (_, index) => diagnostics.getItem(index))
    .filter(({ Severity }) => Severity !== 'Suggestion')
    .map(({ Message, Start }) => `${Message} (at ${Start})`);
}
