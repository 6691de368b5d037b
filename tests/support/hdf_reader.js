// Prints what inspecjs, the reader of Heimdall, makes of HDF files: hdf_reader.js INSPECJS FILE...
"use strict";
const fs = require("fs");
const inspecjs = require(process.argv[2]);

const found = {};
for (const path of process.argv.slice(3)) {
  const converted = inspecjs.convertFile(fs.readFileSync(path, "utf8"), true);
  const execution = converted["1_0_ExecJson"];
  if (!execution) {
    throw new Error(`${path}: is no HDF execution: ${JSON.stringify(converted.errors)}`);
  }
  found[path] = {};
  for (const profile of inspecjs.contextualizeEvaluation(execution).contains) {
    for (const { data, hdf } of profile.contains) {
      found[path][data.id] = {
        status: hdf.status,
        severity: hdf.severity,
        impact: data.impact,
        waived: hdf.waived,
        waiver: data.waiver_data ?? null,
        attested: hdf.attested,
        nist: hdf.parsedNistTags.map((tag) => tag.canonize({ add_spaces: false })),
        revision: hdf.parsedNistRevision?.revNum,
        message: hdf.message,
        details: hdf.finding_details,
      };
    }
  }
}
console.log(JSON.stringify(found));
