/* SPDX-License-Identifier: Apache-2.0 */
/* What --help and `help` say. docs/command.md holds the same paragraphs. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct {
    const char *name;
    const char *text;
} paragraphs[] = {
    {"init",
     "Creates an encrypted store, a file that must not exist yet. It is for one FHIR version:\n"
     "R4 unless --fhir says otherwise. --plaintext creates a store that is not encrypted. With\n"
     "--patient-keys what belongs to a patient is under that patient's own key besides, which\n"
     "shred destroys.\n"},
    {"import",
     "Reads files and folders (*.json, *.ndjson, *.jsonl, each also with .gz; a file that is\n"
     "named is taken whatever it is called). Transaction and batch Bundles are executed, a\n"
     "transaction whole or not at all; document, message and collection Bundles are stored as\n"
     "resources; searchset and history Bundles are unpacked; single resources keep their ids.\n"
     "What is refused is listed on stderr (file, line and column, reason) and counted; the rest\n"
     "goes in. Exit status 0 when something went in or was there already, unchanged, or there\n"
     "was nothing in the files; 1 when all of it was refused, or no file was found.\n"},
    {"export",
     "Writes the current resources to DIR, a file Type.ndjson a type. Files of that name are\n"
     "replaced, others left alone. --type names the types, with commas between them; --since\n"
     "leaves out what was last changed before a date or instant (2024-01-31T12:00:00Z).\n"},
    {"get",
     "Prints a resource, or one version of it, byte for byte as the store has it; a newline\n"
     "follows only on a terminal.\n"},
    {"search",
     "Prints a searchset Bundle: one page, of 20 matches or what _count says. --ids, --ndjson\n"
     "and --count go over all matches: _count does not limit them. --ids prints Type/id a line\n"
     "(with --json a JSON array), --ndjson a resource a line, --count their number (with --json\n"
     "{\"count\":N}), --explain the plan as a JSON object. An unknown parameter is an error "
     "here.\n"},
    {"request",
     "Any interaction of the REST API: prints the status line, the headers and the body. URL is\n"
     "relative to the base, a leading slash does not matter. --body names the file with the body,\n"
     "- is standard input; an operation ($name) may go without. Exit status 0\n"
     "whatever the HTTP status is: it is the answer.\n"},
    {"batch",
     "Reads a request a line from stdin and writes an answer a line to stdout, in order:\n"
     "  "
     "{\"method\":\"GET\",\"url\":\"Patient/1\",\"headers\":{\"If-None-Match\":\"W/"
     "\\\"1\\\"\"},\"body\":…}\n"
     "  {\"status\":200,\"headers\":{…},\"body\":{…}}\n"
     "headers and body may be missing. A body that is a string is taken as the exact bytes, any\n"
     "other as the JSON that stands there. Bytes that are no text come and go as base64, in\n"
     "\"body64\". A line that is no request is answered with 400.\n"},
    {"index",
     "Prints what each resource would be found by, a JSON object a value and parameter, as\n"
     "docs/index-text.md says; no store is needed. The resource is only read as JSON: its\n"
     "structure is not checked. *.ndjson files hold a resource a line.\n"},
    {"fhirpath",
     "Evaluates a FHIRPath expression on the resource in FILE and prints the results as a\n"
     "JSON array.\n"},
    {"stats",
     "Prints what the store holds: version, counts of resources by type, sizes, index rows.\n"},
    {"verify",
     "Reads every page, compares the tables with each other and every index row with its\n"
     "resource, and recomputes the sum over the pages and the chain over the changes, so that an\n"
     "old copy of a page is found, too. --anchor also holds the store against a line of anchor\n"
     "that was kept elsewhere: an older copy of the store is refused. Exit status 1 when anything\n"
     "is found. A warning is no finding: opening has dropped the end of the log, as a crash may\n"
     "leave it, and the last commits before it may be lost.\n"
     "--repair makes anew what can be made of what is stored: index rows, lists, names, the "
     "full-text\n"
     "index, tables of these, the spare header copy. It tells what it found, what was \"repaired\" "
     "and what\n"
     "is \"left\", and is recorded in the journal. Bodies, versions and their chain are never "
     "touched; while\n"
     "anything is left the exit status is 1.\n"},
    {"anchor",
     "Prints a line that says how far the store has come, to be kept elsewhere: its id, its\n"
     "generation, and the sequence and hash of its last change.\n"},
    {"reindex",
     "Walks the resources that new or changed search parameters have not reached yet and\n"
     "finishes what is not ready; what is ready stays. Ended at any time, it goes on there.\n"},
    {"access",
     "What a principal (--as FILE, --policy FILE) may do. show prints for each resource type, or\n"
     "for --type T, the actions with the role, scope or label that grants or restricts them;\n"
     "explain tells which rule decides about one action, and of a resource whether it is seen.\n"
     "The actions are read, vread, search, create, update, patch, delete, history, export,\n"
     "import, transaction, batch, capabilities, audit, validate, everything, hardDelete,\n"
     "reindex, convert, operation, shred.\n"},
    {"audit",
     "The store's journal of every access. list prints it as NDJSON, a record a line; verify\n"
     "checks each record, the chain, the signatures and the end, and exits with 1 when it was\n"
     "tampered with (the report names the records); anchor prints the present end as a line to\n"
     "keep elsewhere, which verify --anchor FILE compares the journal with later. retain removes\n"
     "the records from before --before, list them first; what stays can be verified as before.\n"},
    {"backup",
     "Writes a copy of what the store holds now to DEST, a file that must not exist yet. The copy\n"
     "is a store of its own, compact, with a new data key: to restore it is to open it. It opens\n"
     "with what is said of a new key, or else with the key that opened the store; the copy of a\n"
     "store that is not encrypted is not, either, unless a new key is given. With\n"
     "--without-patient-keys the copy lacks the keys of patients, and what they seal cannot be\n"
     "read in it.\n"},
    {"encrypt",
     "Replaces a store that is not encrypted by an encrypted copy of itself; with a key, an\n"
     "encrypted one by a copy with a new data key, which none of its old keys opens. A crash\n"
     "leaves the one or the other. Blocks of the old file may survive on the disk.\n"},
    {"decrypt", "Replaces an encrypted store by a copy that is not encrypted.\n"},
    {"compact", "Gives unused pages back to the file system and puts the others in order.\n"},
    {"shred",
     "Destroys the keys of patients, in a store that was created with --patient-keys, and removes\n"
     "what belongs to them alone: bodies, histories, index rows, words, and what the journal says\n"
     "of them. Copies that were made without the keys do not show it any more, either. Lists what\n"
     "stays and still names them. The file is written anew at the end; --later leaves that to\n"
     "reindex.\n"},
    {"iot",
     "check reads a device mapping and a FHIR mapping and lists every fault with its line, what "
     "does\n"
     "not fit together, and with --messages (NDJSON, a message a line) what would become of each:\n"
     "faults, and why no template matches. normalise prints the measurements of messages as "
     "NDJSON.\n"
     "ingest makes Observations of them, in batches of 300 messages (--per-commit says otherwise), "
     "a\n"
     "transaction each; --identity lookup (default), create or lookup-with-encounter says how "
     "devices\n"
     "and patients are found, --device-system in which system devices are identified. What is not\n"
     "stored is told on stderr, with --json on stdout. samples prints what was measured of a "
     "patient as rows of time and\n"
     "value, NDJSON or with --csv; --from and --to bound the time. --strict: as the original "
     "mappings'\n"
     "engine where this one is safer (docs/iot.md). eval --jsonpath EXPRESSION FILE, or "
     "--jmespath,\n"
     "tries an expression of a mapping on the JSON in FILE (- is standard input) and prints what "
     "it\n"
     "finds as a JSON array. Exit status 1 when anything was at fault.\n"},
    {"key",
     "The key slots, each of which opens the store. list tells number, type, label, and which one\n"
     "opened it. add makes one more: for a key (--new-key-file), a passphrase\n"
     "(--new-passphrase-file) or a recipient (--recipient: the 64 hex digits of an X25519 public\n"
     "key, or a file with it), who opens with --recipient-key-file. rotate puts a new slot in the\n"
     "place of --slot N, or of the one that opened the store; remove takes slot N away, but never\n"
     "the last. Each writes the header only, whatever the size of the store. renew is for when "
     "the\n"
     "data key may be known: a new one takes over and every page is sealed with it; recipients\n"
     "keep their slots, all others are gone but the new one. --label names a new slot, --kdf-ms\n"
     "measures how hard its passphrase shall be to guess. key public prints the public key of\n"
     "--recipient-key-file: 32 random bytes are a recipient's secret key.\n"},
};

static const char option_help[] =
    "  --key-file F         the key: 32 raw bytes or 64 hex digits\n"
    "  --passphrase-file F  the passphrase: the file's content without its last newline\n"
    "  --recipient-key-file F  a recipient's secret key: 32 raw bytes or 64 hex digits\n"
    "  --plaintext          a store that is not encrypted (for tests); takes no key\n"
    "  --multi-process      other processes may open the store too, all with this option\n"
    "  --base-url URL       references below it equal relative ones\n"
    "  --no-history T,T     types of which only the current version is kept, from now on\n"
    "  --fhir V             R4 (default), R4B or R5\n"
    "  --validation MODE    on (default), lenient, off, full: import, request, batch\n"
    "  --integrity MODE     off (default), on, cascade: request, batch\n"
    "  --journal MODE       off, batched (default of an encrypted store), strict (docs/audit.md)\n"
    "  --audit MODE         required (default), best-effort: whether the failure of an audit hook\n"
    "                       undoes what it was told of\n"
    "  --cache MIB          page cache of a connection (default 16)\n"
    "  --per-commit N       resources a transaction (default 1000): import, reindex\n"
    "  --new-key-file F, --new-passphrase-file F, --recipient P, --label TEXT, --kdf-ms N,\n"
    "  --slot N             what a new key slot is for, and which one is meant: key\n"
    "  --jsonpath E, --jmespath E  the expression of iot eval\n"
    "  --messages F, --identity MODE, --device-system URI, --patient ID, --code SYSTEM|CODE,\n"
    "  --from T, --to T, --strict, --csv\n"
    "                       what mappings are tried with, how devices are found, which samples: "
    "iot\n"
    "  --as FILE            act as a principal, with the roles and scopes of this document, in\n"
    "                       place of the operator, who may do everything (docs/access.md)\n"
    "  --policy FILE        the role document that --as goes by (else the built-in roles)\n"
    "  --patient-keys, --without-patient-keys, --later\n"
    "                       init, backup, shred: keys of patients (docs/shredding.md)\n"
    "  --json               machine-readable output\n"
    "  --progress           show progress also where stderr is no terminal: import, reindex,\n"
    "                       backup, encrypt, decrypt\n"
    "  --time               tell on stderr how long a search took: search\n";

void cli_help(FILE *out, const cli_command *commands, size_t count)
{
    (void)fprintf(out, "fhirstore %s: FHIR resources in one encrypted file\n\n",
                  fhirstore_version());
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "  fhirstore %s\n", commands[i].synopsis);
    }
    (void)fprintf(out,
                  "  fhirstore help [SUBCOMMAND]\n\n%s\n"
                  "Exit status: 0 done, 1 failed (an OperationOutcome is on stderr), 2 usage.\n"
                  "An import is done when something went in or everything was there already;\n"
                  "refusals are listed and counted. It fails when nothing could be imported or no\n"
                  "file was found.\n",
                  option_help);
}

void cli_help_command(FILE *out, const cli_command *command)
{
    (void)fprintf(out, "fhirstore %s\n\n", command->synopsis);
    for (size_t i = 0; i < sizeof paragraphs / sizeof paragraphs[0]; i++) {
        if (strcmp(paragraphs[i].name, command->name) == 0) {
            (void)fputs(paragraphs[i].text, out);
        }
    }
    (void)fputs("\nfhirstore --help lists the options.\n", out);
}
