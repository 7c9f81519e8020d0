import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import tls from 'node:tls';

export interface TrustFiles {
  /** The throwaway certificate alone. */
  readonly certificate: string;
  /** For `NODE_EXTRA_CA_CERTS` of the functions. */
  readonly forFunctions: string;
}

/**
 * Writes the throwaway certificate where the functions find it. `NODE_EXTRA_CA_CERTS` names one file only, so a
 * developer's own (a company's proxy, for example) is joined to ours.
 */
export async function writeTrustFiles(
  folder: string,
  certificate: string,
  own: string | undefined,
): Promise<TrustFiles> {
  const file = join(folder, 'ca.pem');
  await writeFile(file, certificate);
  const others = own ? await readFile(own, 'utf8').catch(() => '') : '';
  if (!others) return { certificate: file, forFunctions: file };
  const both = join(folder, 'ca-with-own.pem');
  await writeFile(both, `${certificate.trimEnd()}\n${others}`);
  return { certificate: file, forFunctions: both };
}

/** Makes this process trust the certificate too: the host reads queues, and the sandbox creates them, over https then. */
export function trustInThisProcess(certificate: string): void {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate]);
}
