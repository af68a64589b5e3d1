// SPDX-License-Identifier: Apache-2.0
//
// Compare extraction with HL7's FHIRPath engine (`fhirpath` from npm):
//
//   extraction --fhir R4 --definitions > definitions.ndjson
//   extraction --fhir R4 --print FOLDER > ours.ndjson
//   node extraction_npm.mjs FHIRPATH_FOLDER r4 definitions.ndjson FOLDER ours.ndjson [--all]
//
// FHIRPATH_FOLDER is where the npm package lies (…/node_modules/fhirpath), FOLDER holds resources
// as *.json. The engine finds the nodes; the values they give are made here, independently of the
// library. Prints what differs and "N pairs, N differ"; --all prints every difference.
//
// Expressions are changed only where the engine cannot run what is published: `as` on lists is read as
// ofType(), resolve() is answered from the reference.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [moduleFolder, version, definitionsFile, folder, oursFile, ...flags] = process.argv.slice(2);
if (!oursFile) {
    console.error('usage: node extraction_npm.mjs FHIRPATH_FOLDER r4|r5 DEFINITIONS FOLDER OURS [--all]');
    process.exit(2);
}
const require = createRequire(path.resolve(moduleFolder, 'package.json'));
const fhirpath = require(path.resolve(moduleFolder));
const model = require(path.resolve(moduleFolder, 'fhir-context', version));

// ---- definitions ----

const readJson = (file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort();

const lines = (file) => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)
    .map((line) => JSON.parse(line));
// R5's _in names Resource.id as its expression, but asks for membership in lists and groups.
const definitions = lines(definitionsFile).filter((definition) =>
    definition.expression && definition.code !== '_in');

function runnable(expression) {
    let text = expression
        .replace(/\.as\(/g, '.ofType(')
        .replace(/hasExtension\(('[^']*')\)/g, 'extension($1).exists()')
        .replace(/resolve\(\) is (\w+)/g, "pointsAt('$1')");
    // (X as T) and X as T, where X is a path.
    text = text.replace(/([\w.[\]]+) as (\w+)/g, '$1.ofType($2)');
    return text;
}

// ---- what a reference points at ----

let current = null;

function targetType(reference) {
    const text = typeof reference === 'string' ? reference : reference.reference;
    if (text?.startsWith('#')) {
        return text === '#' ? current.resourceType
                            : current.contained?.find((c) => c.id === text.slice(1))?.resourceType;
    }
    const match = text?.match(/(?:^|\/)([A-Z]\w+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[^/]+)?$/);
    if (match) {
        return match[1];
    }
    const entry = current.entry?.find?.((e) => e.fullUrl === text);
    return entry?.resource?.resourceType ?? reference.type?.replace(/^.*\//, '');
}

const options = {
    resolveInternalTypes: false,
    userInvocationTable: {
        pointsAt: {
            fn: (nodes, type) => nodes.map((n) => targetType(n?.data ?? n) === type),
            arity: { 1: ['String'] },
            internalStructures: true,
        },
    },
};

// ---- values ----

const list = (value) => (value === undefined || value === null ? [] : [value].flat());
const EPOCH = 621355968000000000n;

function ticksText(ticks) {
    const fromEpoch = ticks - EPOCH;
    let ms = fromEpoch / 10000n;
    let rest = fromEpoch % 10000n;
    if (rest < 0n) {
        ms -= 1n;
        rest += 10000n;
    }
    return new Date(Number(ms)).toISOString().replace(/Z$/, '') +
        rest.toString().padStart(4, '0') + 'Z';
}

// [lo, hi] in ticks, or null.
function dateRange(text) {
    const m = typeof text === 'string' && text.match(
        /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/);
    if (!m) {
        return null;
    }
    const [, y, mo, d, h, mi, s, fraction, zone] = m;
    const at = new Date(0);
    at.setUTCFullYear(+y, mo ? mo - 1 : 0, d ? +d : 1);
    at.setUTCHours(h ? +h : 0, mi ? +mi : 0, s ? +s : 0);
    const end = new Date(at);
    let width = 10000000n;
    if (!mo) end.setUTCFullYear(+y + 1);
    else if (!d) end.setUTCMonth(+mo);
    else if (!h) end.setUTCDate(+d + 1);
    else if (!s) end.setUTCMinutes(+mi + 1);
    let lo = BigInt(at.getTime()) * 10000n + EPOCH;
    let hi = s ? lo + width - 1n : BigInt(end.getTime()) * 10000n + EPOCH - 1n;
    if (fraction) {
        const digits = fraction.slice(0, 7);
        width = 10n ** BigInt(7 - digits.length);
        lo += BigInt(digits) * width;
        hi = lo + width - 1n;
    }
    if (zone && zone !== 'Z') {
        const minutes = (zone[0] === '-' ? -1 : 1) * (+zone.slice(1, 3) * 60 + +zone.slice(4));
        lo -= BigInt(minutes) * 600000000n;
        hi -= BigInt(minutes) * 600000000n;
    }
    return [lo, hi];
}

const periodRange = (period) => {
    const start = dateRange(period?.start);
    const end = dateRange(period?.end);
    return start || end ? [start?.[0], end?.[1]] : null;
};

function dateValues(type, value) {
    let range = null;
    if (typeof value === 'string') {
        range = /^(date|dateTime|instant|string)$/.test(type) ? dateRange(value) : null;
    } else if (type === 'Period') {
        range = periodRange(value);
    } else if (type === 'Timing') {
        const ranges = list(value.event).map(dateRange).filter(Boolean);
        const bounds = periodRange(value.repeat?.boundsPeriod);
        if (bounds) ranges.push(bounds);
        if (ranges.length > 0) {
            const lows = ranges.map((r) => r[0]);
            const highs = ranges.map((r) => r[1]);
            range = [lows.includes(undefined) ? undefined : lows.reduce((a, b) => (a < b ? a : b)),
                     highs.includes(undefined) ? undefined : highs.reduce((a, b) => (a > b ? a : b))];
        }
    }
    const text = (ticks) => (ticks === undefined ? '' : ticksText(ticks));
    return range ? [`${text(range[0])}..${text(range[1])}`] : [];
}

const identifierValues = (id) =>
    id && (id.system || id.value) ? [`${id.system ?? ''}|${id.value ?? ''}`] : [];

function conceptValues(concept) {
    const found = list(concept?.coding).filter((c) => c.system || c.code || c.display)
        .map((c) => `${c.system ?? ''}|${c.code ?? ''}`);
    return found.length > 0 || !concept?.text ? found : ['|'];
}

function tokenValues(type, value) {
    if (typeof value !== 'object') {
        return [`${type === 'code' ? '*' : ''}|${value}`];
    }
    switch (type) {
    case 'CodeableConcept': return conceptValues(value);
    case 'CodeableReference': return conceptValues(value.concept);
    case 'Coding':
        return value.system || value.code || value.display
            ? [`${value.system ?? ''}|${value.code ?? ''}`] : [];
    case 'Identifier': return identifierValues(value);
    case 'ContactPoint': return value.value ? [`|${value.value}`] : [];
    case 'Quantity':
        return value.system || value.code ? [`${value.system ?? ''}|${value.code ?? ''}`] : [];
    case 'Reference': return identifierValues(value.identifier);
    default: return [];
    }
}

function stringValues(type, value) {
    if (typeof value !== 'object') {
        return [String(value)];
    }
    const parts = (...names) => names.flatMap((name) => list(value[name])).filter(Boolean);
    switch (type) {
    case 'HumanName': return parts('text', 'family', 'given', 'prefix', 'suffix');
    case 'Address':
        return parts('text', 'line', 'city', 'district', 'state', 'postalCode', 'country');
    case 'CodeableConcept':
        return [...parts('text'), ...list(value.coding).map((c) => c.display).filter(Boolean)];
    case 'Coding': case 'Reference': return parts('display');
    case 'Annotation': return parts('text');
    case 'ContactPoint': case 'Identifier': return parts('value');
    case 'Attachment': return parts('title');
    default: return [];
    }
}

function referenceValues(type, value) {
    if (typeof value === 'string') {
        return [value];
    }
    if (type === 'Attachment') {
        return list(value.url);
    }
    if (value.resourceType) {
        return value.id ? [`${value.resourceType}/${value.id}`] : [];
    }
    const reference = type === 'CodeableReference' ? value.reference : value;
    const found = [...list(reference?.reference),
                   ...identifierValues(reference?.identifier).map((v) => `identifier:${v}`)];
    return found.length > 0 || !reference?.display ? found : [`display:${reference.display}`];
}

const amount = (value) => (value === undefined ? '' : String(Number(value)));

function compared(quantity) {
    const value = amount(quantity.value);
    switch (quantity.comparator) {
    case '<': return `..<${value}`;
    case '<=': return `..${value}`;
    case '>': return `>${value}..`;
    case '>=': return `${value}..`;
    default: return value;
    }
}

const unit = (quantity) => `|${quantity?.system ?? ''}|${quantity?.code ?? quantity?.unit ?? ''}`;
const hasUnit = (quantity) => quantity && (quantity.system || quantity.code || quantity.unit);

function sampled(value) {
    const factor = value.factor ?? 1;
    const samples = list(value.data?.split(' ')).flatMap((token) => {
        if (token === 'L') return list(value.lowerLimit);
        if (token === 'U') return list(value.upperLimit);
        return token !== '' && !Number.isNaN(Number(token)) ? [Number(token)] : [];
    }).map((sample) => Number((sample * factor + value.origin.value).toPrecision(12)));
    if (samples.length === 0) {
        return [];
    }
    const low = samples.reduce((a, b) => Math.min(a, b));
    const high = samples.reduce((a, b) => Math.max(a, b));
    return [(low === high ? amount(low) : `${amount(low)}..${amount(high)}`) + unit(value.origin)];
}

function quantityValues(type, value) {
    if (typeof value !== 'object') {
        return [`${amount(value)}||`];
    }
    if (type === 'Range') {
        if (value.low?.value === undefined && value.high?.value === undefined) return [];
        return [`${amount(value.low?.value)}..${amount(value.high?.value)}` +
                unit(hasUnit(value.low) ? value.low : value.high)];
    }
    if (type === 'SampledData') {
        return sampled(value);
    }
    if (value.value === undefined || value.value === null) {
        return [];
    }
    if (type === 'Money') {
        const currency = value.currency;
        return [`${amount(value.value)}|${currency ? 'urn:iso:std:iso:4217' : ''}|${currency ?? ''}`];
    }
    return [compared(value) + unit(value)];
}

function numberValues(type, value) {
    if (typeof value !== 'object') {
        return [amount(value)];
    }
    if (type === 'Range') {
        return [`${amount(value.low?.value)}..${amount(value.high?.value)}`];
    }
    return value.value === undefined ? [] : [compared(value)];
}

function valuesOf(kind, type, value) {
    if (type === 'Extension') {
        const name = Object.keys(value).find((key) => key.startsWith('value'));
        if (!name) {
            return [];
        }
        const inner = name.slice(5);
        const isComplex = typeof value[name] === 'object';
        return valuesOf(kind, isComplex ? inner : inner[0].toLowerCase() + inner.slice(1),
                        value[name]);
    }
    switch (kind) {
    case 'token': return tokenValues(type, value);
    case 'string': return stringValues(type, value);
    case 'uri':
        return typeof value === 'string' ? [value] : list(value.url ?? value.reference);
    case 'date': return dateValues(type, value);
    case 'number': return numberValues(type, value);
    case 'quantity': return quantityValues(type, value);
    case 'reference': return referenceValues(type, value);
    case 'special':
        if (type === 'Narrative') {
            return list(value.div?.replace(/<[^>]*>/g, ' ').trim()).filter(Boolean);
        }
        return value.latitude !== undefined && value.longitude !== undefined
            ? [`${amount(value.latitude)},${amount(value.longitude)}`] : [];
    default: return [];
    }
}

// ---- evaluation ----

const compiled = new Map();

function evaluate(expression, input, base) {
    const key = `${base ?? ''} ${expression}`;
    if (!compiled.has(key)) {
        const text = runnable(expression);
        compiled.set(key, fhirpath.compile(base ? { base, expression: text } : text, model,
                                           options));
    }
    return compiled.get(key)(input, { resource: current });
}

const SUBTYPES = { Age: 'Quantity', Duration: 'Quantity', Count: 'Quantity', Distance: 'Quantity',
    SimpleQuantity: 'Quantity', MoneyQuantity: 'Quantity' };
const typeOf = (node) => {
    const type = node?.fhirNodeDataType ?? node?.typeInfo?.name ?? typeof (node?.data ?? node);
    return SUBTYPES[type] ?? type;
};
const dataOf = (node) => (node !== null && typeof node === 'object' && 'data' in node &&
    'path' in node ? node.data : node);

function nodeValues(kind, nodes) {
    return nodes.filter((node) => dataOf(node) !== null && dataOf(node) !== undefined)
        .flatMap((node) => valuesOf(kind, typeOf(node), dataOf(node)));
}

function compositeValues(definition) {
    return evaluate(definition.expression, current).flatMap((root) => {
        const parts = definition.component.map((component) => {
            return nodeValues(component.type, evaluate(component.expression, dataOf(root), root.path));
        });
        return parts.reduce((all, part) => all.flatMap((a) => part.map((b) => [...a, b])), [[]])
            .map((values) => values.join('$'));
    });
}

function theirs(definition) {
    if (definition.type === 'composite') {
        return compositeValues(definition);
    }
    return nodeValues(definition.type, evaluate(definition.expression, current));
}

// ---- comparison ----

const numeric = (text) => text.replace(/^([<>]?)(-?[\d.]+(?:[eE][+-]?\d+)?)?(\.\.)?([<>]?)(-?[\d.]+(?:[eE][+-]?\d+)?)?/,
    (all) => all.replace(/-?\d+(\.\d+)?([eE][+-]?\d+)?/g, (number) => amount(number)));

function comparable(kind, text) {
    if (kind === 'number' || kind === 'quantity') return numeric(text);
    if (kind === 'special' && /^[-\d.,]+$/.test(text)) return text.split(',').map(amount).join(',');
    return text;
}

function normalised(definition, text) {
    if (definition.type !== 'composite') {
        return comparable(definition.type, text);
    }
    const parts = text.split('$');
    return parts.map((part, i) => comparable(definition.component[i]?.type, part)).join('$');
}

// "*|code": whatever system the required binding implies.
function isSame(a, b) {
    if (a === b) return true;
    const x = a.split('$');
    const y = b.split('$');
    return x.length === y.length && x.every((part, i) => part === y[i] ||
        (part.startsWith('*|') && y[i].endsWith(part.slice(1)) &&
         !y[i].slice(0, -part.length + 1).includes('|')));
}

const ours = new Map();
for (const { resource, param, values } of lines(oursFile)) {
    ours.set(`${resource} ${param}`, values);
}

const byType = new Map();
function definitionsOf(type) {
    if (!byType.has(type)) {
        byType.set(type, definitions.filter((definition) =>
            definition.base.some((base) => base === type || base === 'Resource' ||
                (base === 'DomainResource' && !['Bundle', 'Binary', 'Parameters'].includes(type)))));
    }
    return byType.get(type);
}

let pairs = 0;
let differ = 0;
const failures = new Map();
for (const file of files) {
    current = readJson(file);
    if (!current.resourceType) {
        continue;
    }
    const name = current.id ? `${current.resourceType}/${current.id}` : current.resourceType;
    for (const definition of definitionsOf(current.resourceType)) {
        let found = [];
        try {
            found = [...new Set(theirs(definition))];
        } catch (error) {
            failures.set(`${definition.url}: ${error.message ?? error}`, name);
            continue;
        }
        const mine = [...new Set((ours.get(`${name} ${definition.code}`) ?? [])
            .map((text) => normalised(definition, text)))];
        if (found.length === 0 && mine.length === 0) {
            continue;
        }
        pairs++;
        const missing = found.filter((a) => !mine.some((b) => isSame(a, b)));
        const extra = mine.filter((b) => !found.some((a) => isSame(a, b)));
        if (missing.length + extra.length > 0) {
            differ++;
            if (flags.includes('--all') || differ <= 50) {
                console.log(JSON.stringify({ name, param: definition.code, missing, extra }));
            }
        }
    }
}
for (const [failure, name] of failures) {
    console.log(`engine failed: ${failure} (${name})`);
}
console.log(`${pairs} pairs, ${differ} differ`);
process.exit(differ === 0 && failures.size === 0 ? 0 : 1);
