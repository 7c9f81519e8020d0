// Plain JavaScript on purpose: it must run on the very Node that is too old for the rest.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `This needs Node 22.18 or newer, and this is ${process.version}. On Linux and Windows npm brings Node 24 along as an optional ` +
      'dependency: run "npm ci" without --omit=optional. Elsewhere (macOS, for example) install Node 24 from https://nodejs.org first.',
  );
  process.exit(1);
}
