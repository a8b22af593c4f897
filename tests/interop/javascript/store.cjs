// Stores files with one version of dicomweb-client, a library for browsers, and prints the answer.
//
// node store.cjs NODE_MODULES VERSION BASE_URL FILE ...
//
// Node has no XMLHttpRequest, so xhr2 stands in for the browser's.

const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const [modules, version, url, ...files] = process.argv.slice(2);
globalThis.XMLHttpRequest = require(join(modules, 'xhr2'));
const { api } = require(join(modules, `dicomweb-client-${version}`));

// A page has read them as ArrayBuffers, from a file input or from another service.
const datasets = files.map((file) => new Uint8Array(readFileSync(file)).buffer);

new api.DICOMwebClient({ url })
  .storeInstances({ datasets })
  .then((answer) => process.stdout.write(answer));
