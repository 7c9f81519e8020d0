// Runs a program with a Node that is new enough: this one, or the Node 24 that npm brought along as an optional dependency.
// npm does not always link that one into node_modules/.bin, so it is looked up as a package. Plain JavaScript on purpose:
// this must run on the very Node that is too old for the rest.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [program, ...args] = process.argv.slice(2);
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  process.argv.splice(1, process.argv.length, resolve(program), ...args);
  await import(pathToFileURL(resolve(program)).href);
} else {
  const node = packagedNode();
  if (!node) {
    console.error(
      `This needs Node 22.18 or newer, and this is ${process.version}. On Linux and Windows npm brings Node 24 along as an optional ` +
        'dependency: run "npm ci" without --omit=optional. Elsewhere (macOS, for example) install Node 24 from https://nodejs.org first.',
    );
    process.exit(1);
  }
  const child = spawn(node, [program, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

function packagedNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  try {
    return createRequire(import.meta.url).resolve(`node-${platform}-${process.arch}/${file}`);
  } catch {
    return undefined;
  }
}
