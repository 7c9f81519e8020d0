import { generate } from 'selfsigned';
import type { Certificate } from './serve.ts';

/**
 * A self-signed certificate for 127.0.0.1 and localhost, made anew at each start. It is no certificate authority: a
 * process that trusts it trusts these two names and nothing else.
 */
export async function throwawayCertificate(): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'sandbox on this machine' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { cert, key };
}
