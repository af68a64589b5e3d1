// SPDX-License-Identifier: Apache-2.0
//
// The same as bench_fhirpath with HL7's engine: node bench/fhirpath.mjs FHIRPATH_FOLDER EXPRESSIONS
// PATIENTS OBSERVATIONS, FHIRPATH_FOLDER being the npm package. Prints evaluations a second.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [folder, expressionsFile, patientsFile, observationsFile] = process.argv.slice(2);
const require = createRequire(path.resolve(folder, 'package.json'));
const fhirpath = require(path.resolve(folder));
const model = require(path.resolve(folder, 'fhir-context', 'r4'));

const load = (file) => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).slice(0, 100)
    .map((line) => JSON.parse(line));
const sets = { Patient: load(patientsFile), Observation: load(observationsFile) };
const compiled = fs.readFileSync(expressionsFile, 'utf8').split('\n').filter(Boolean)
    .map((line) => line.split('\t'))
    .map(([type, expression]) => [sets[type], fhirpath.compile(expression, model)]);

let done = 0;
const run = (rounds) => {
    for (let round = 0; round < rounds; round++) {
        for (const [resources, evaluate] of compiled) {
            for (const resource of resources) {
                evaluate(resource);
                done++;
            }
        }
    }
};
run(3); // let the compiler warm up
done = 0;
const begin = process.hrtime.bigint();
run(10);
const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
console.log((done / seconds).toFixed(0));
