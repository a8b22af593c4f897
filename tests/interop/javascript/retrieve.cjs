// Retrieves an instance with one version of dicomweb-client and writes its bytes; then lists.
//
// node retrieve.cjs NODE_MODULES VERSION BASE_URL STUDY SERIES INSTANCE
//
// Node has no XMLHttpRequest, so xhr2 stands in for the browser's.

const { join } = require('node:path');

const [modules, version, url, study, series, instance] = process.argv.slice(2);
globalThis.XMLHttpRequest = require(join(modules, 'xhr2'));
const { api } = require(join(modules, `dicomweb-client-${version}`));

const client = new api.DICOMwebClient({ url });
const named = {
  studyInstanceUID: study,
  seriesInstanceUID: series,
  sopInstanceUID: instance,
};

(async () => {
  const retrieved = await client.retrieveInstance(named);
  const found = await client.searchForInstances({ studyInstanceUID: study });
  const metadata = await client.retrieveInstanceMetadata(named);
  process.stdout.write(
    JSON.stringify({
      content: Buffer.from(retrieved).toString('base64'),
      listed: found.map((each) => each['00080018'].Value[0]),
      rows: metadata[0]['00280010'].Value[0],
    }),
  );
})();
