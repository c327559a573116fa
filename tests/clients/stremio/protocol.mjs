// Stremio's linter and its JavaScript client: is this an add-on, and does each resource answer?
//
//   node protocol.mjs <manifest URL> <JSON: [[resource, type, id, {extra}], …]>
//
// On standard output comes JSON: {"lint": {"valid", "errors", "warnings"}, "answers": […]}.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const linter = require("stremio-addon-linter");
const { detectFromURL } = require("stremio-addon-client");

const [manifestUrl, requests] = process.argv.slice(2);
const { addon } = await detectFromURL(manifestUrl);
if (!addon) {
  throw new Error("no add-on is recognised at this address");
}
const { valid, errors, warnings } = linter.lintManifest(addon.manifest);
const messages = (list) => list.map((one) => one.message ?? String(one));
const answers = [];
for (const [resource, type, id, extra] of JSON.parse(requests)) {
  answers.push(await addon.get(resource, type, id, extra ?? {}));
}
process.stdout.write(
  JSON.stringify({
    lint: { valid, errors: messages(errors), warnings: messages(warnings) },
    answers,
  }),
  () => process.exit(0),
);
