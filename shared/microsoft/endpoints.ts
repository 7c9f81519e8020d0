/** Where a Microsoft cloud lives. Nothing else may name these hosts, and no caller can. */
export interface MicrosoftCloud {
  /** Login host, no slash at the end. */
  readonly loginUrl: string;
  /** What id tokens name as issuer: `{issuerUrl}/{tid}/v2.0`. */
  readonly issuerUrl: string;
  /** Graph with its version, no slash at the end. */
  readonly graphUrl: string;
  /** The delegated scope that we ask for, and nothing more. */
  readonly mailSendScope: string;
  /** Scope with which an application asks for a token of its own; it holds whatever was granted to it for Graph. */
  readonly graphDefaultScope: string;
  /** Audience of federated credentials. */
  readonly tokenExchangeAudience: string;
}

export type CloudName = 'global' | 'usGovernment' | 'china';

/** https://learn.microsoft.com/graph/deployments and https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud */
const CLOUDS: Readonly<Record<CloudName, MicrosoftCloud>> = {
  global: cloud('https://login.microsoftonline.com', 'https://graph.microsoft.com', 'api://AzureADTokenExchange'),
  usGovernment: cloud(
    'https://login.microsoftonline.us',
    'https://graph.microsoft.us',
    'api://AzureADTokenExchangeUSGov',
  ),
  china: cloud(
    'https://login.partner.microsoftonline.cn',
    'https://microsoftgraph.chinacloudapi.cn',
    'api://AzureADTokenExchangeChina',
  ),
};

function cloud(loginUrl: string, graph: string, tokenExchangeAudience: string): MicrosoftCloud {
  return {
    loginUrl,
    issuerUrl: loginUrl,
    graphUrl: `${graph}/v1.0`,
    mailSendScope: `${graph}/Mail.Send`,
    graphDefaultScope: `${graph}/.default`,
    tokenExchangeAudience,
  };
}

/** The table's entry, with the addresses of a loopback stand-in where settings give them. Issuer and scope stay. */
export function microsoftCloud(
  name: CloudName,
  loopback: { readonly loginUrl?: string | undefined; readonly graphUrl?: string | undefined },
): MicrosoftCloud {
  const entry = CLOUDS[name];
  return { ...entry, loginUrl: loopback.loginUrl ?? entry.loginUrl, graphUrl: loopback.graphUrl ?? entry.graphUrl };
}

/** The tenant id of all personal Microsoft accounts. */
export const CONSUMERS_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad';

/** Authorities that are no tenant. */
export type SharedAuthority = 'common' | 'organizations';
