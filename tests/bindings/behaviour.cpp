/* SPDX-License-Identifier: Apache-2.0 */
/* The behaviour that all bindings share, for the C++ header, in TAP: behaviour_cpp FOLDER-OF-STEPS */
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "../../bindings/cpp/fhirstore.hpp"

using nlohmann::json;
namespace files = std::filesystem;

static int number = 0;
static int failed = 0;

static void expect(bool fine, const std::string &what)
{
    if (!fine) {
        throw std::runtime_error(what);
    }
}

template <typename Test> static void report(const std::string &title, Test test)
{
    number++;
    try {
        test();
        std::printf("ok %d - %s\n", number, title.c_str());
    } catch (const std::exception &error) {
        failed++;
        std::printf("not ok %d - %s\n# %s\n", number, title.c_str(), error.what());
    }
}

static std::array<std::uint8_t, 32> test_key()
{
    std::array<std::uint8_t, 32> key{};
    for (std::size_t i = 0; i < key.size(); i++) {
        key[i] = static_cast<std::uint8_t>(i);
    }
    return key;
}

struct Folder {
    files::path path;
    Folder()
    {
        std::string name = (files::temp_directory_path() / "fhirstore-cpp-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~Folder() { files::remove_all(path); }
    std::string file() const { return (path / "s").string(); }
};

/* ---- the shared steps ---- */

static std::string fill_in(std::string text, const std::map<std::string, std::string> &kept)
{
    for (const auto &[name, value] : kept) {
        const std::string mark = "{" + name + "}";
        for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
            text.replace(at, mark.size(), value);
        }
    }
    return text;
}

struct Got {
    json value = json::object();
    json body;
};

static Got from(const fhir::Response &response)
{
    Got got;
    got.value = {{"http", response.http()}, {"version", response.version()}, {"id", response.id()}};
    for (const auto &[name, value] : response.headers()) {
        got.value["headers"][name] = value;
    }
    got.body = response.body().empty() ? json() : json::parse(response.body());
    return got;
}

static Got requested(fhir::Session &session, const json &step, const std::string &method, const std::string &url,
                     const std::string &body, fhir::Session::Headers headers)
{
    fhir::Response response = session.request(method, url, body, headers);
    if (step["do"] != "request" && response.http() >= 400) {
        const json outcome = json::parse(response.body());
        /* As the other bindings tell it: an answer that is an error. */
        throw fhir::Error(response.http() == 422 ? FHIRSTORE_ERR_PATCH : FHIRSTORE_ERR_INVALID_RESOURCE, "refused",
                               outcome.dump());
    }
    return from(response);
}

static Got perform(fhir::Session &session, const json &step)
{
    const std::string what = step["do"];
    const std::string type = step.value("type", step.value("/resource/resourceType"_json_pointer, std::string()));
    const std::string id = step.value("id", step.value("/resource/id"_json_pointer, std::string()));
    const std::string query = step.value("query", "");
    if (what == "create") {
        return from(step.contains("ifNoneExist")
                        ? session.create_if_none(type, std::string(step["ifNoneExist"]), step["resource"].dump())
                        : session.create(type, step["resource"].dump()));
    }
    if (what == "update") {
        return from(session.update(type, id, step["resource"].dump(), step.value("ifMatch", 0)));
    }
    if (what == "read") {
        return from(session.read(type, id));
    }
    if (what == "delete") {
        return from(session.remove(type, id));
    }
    if (what == "vread") {
        return from(session.vread(type, id, step["version"]));
    }
    if (what == "history") {
        return from(session.history(type, id));
    }
    if (what == "page") {
        return from(session.page(type, query));
    }
    Got got;
    if (what == "search") {
        got.value["ids"] = json::array();
        for (const fhir::Match &match : session.search(type, query)) {
            got.value["ids"].push_back(match.id);
        }
        return got;
    }
    if (what == "count") {
        got.value["count"] = session.count(type, query);
        return got;
    }
    if (what == "shred") {
        got.body = json::parse(session.shred(id, step.value("later", false)));
        return got;
    }
    if (what == "repair") {
        got.value["findings"] = session.repair();
        return got;
    }
    if (what == "patch") {
        return requested(session, step, "PATCH", type + "/" + id, step["operations"].dump(),
                         {{"Content-Type", "application/json-patch+json"}});
    }
    if (what == "transaction") {
        const json bundle = {{"resourceType", "Bundle"}, {"type", "transaction"}, {"entry", step["entries"]}};
        return requested(session, step, "POST", "", bundle.dump(), {});
    }
    fhir::Session::Headers headers;
    const json wanted = step.value("headers", json::object());
    for (const auto &[name, value] : wanted.items()) {
        headers.emplace_back(name, value);
    }
    return requested(session, step, step["method"], step["url"], step.contains("body") ? step["body"].dump() : "",
                     headers);
}

static void check_error(const fhir::Error &error, const json &want)
{
    const json outcome = json::parse(error.outcome());
    expect(error.http() == want["http"], "http " + std::to_string(error.http()));
    expect(!want.contains("name") || want["name"] == error.name(), "name " + error.name());
    expect(!want.contains("code") || want["code"] == outcome["issue"][0]["code"], error.outcome());
}

static void check_answer(const Got &got, const json &want)
{
    for (const char *name : {"http", "version", "id", "ids", "count", "findings"}) {
        expect(!want.contains(name) || got.value[name] == want[name], name + (" " + got.value.dump()));
    }
    const json headers = want.value("headers", json::object());
    const json members = want.value("json", json::object());
    for (const auto &[name, value] : headers.items()) {
        expect(got.value["headers"][name] == value, name);
    }
    for (const auto &[name, value] : members.items()) {
        expect(got.body[name] == value, name + " in " + got.body.dump());
    }
}

static void run_step(fhir::Session &session, const json &given, std::map<std::string, std::string> &kept)
{
    const json step = json::parse(fill_in(given.dump(), kept));
    const json want = step["expect"];
    if (want.contains("error")) {
        try {
            (void)perform(session, step);
        } catch (const fhir::Error &error) {
            check_error(error, want["error"]);
            return;
        }
        throw std::runtime_error("it was not refused");
    }
    const Got got = perform(session, step);
    if (step.contains("keep")) {
        kept[step["keep"]] = got.value["id"];
    }
    check_answer(got, want);
}

static void run_file(const files::path &path)
{
    const Folder folder;
    std::ifstream file(path);
    const json document = json::parse(file);
    fhir::Options options;
    options.key(test_key()).create();
    if (document.value("/store/patientKeys"_json_pointer, false)) {
        options.patient_keys();
    }
    fhir::Store store(folder.file(), options);
    fhir::Session session = store.session(fhir::Principal("tester").everything());
    std::map<std::string, std::string> kept;
    int place = 0;
    for (const json &step : document["steps"]) {
        report(path.stem().string() + " " + std::to_string(++place) + ": " + std::string(step["do"]),
               [&] { run_step(session, step, kept); });
    }
}

/* ---- C++'s own ---- */

static void any_order()
{
    const Folder folder;
    auto store = std::make_unique<fhir::Store>(folder.file(), fhir::Options().key(test_key()).create());
    auto session = std::make_unique<fhir::Session>(store->session(fhir::Principal().everything()));
    (void)session->create("Patient", R"({"resourceType":"Patient"})");
    fhir::Search search = session->search("Patient", "");
    store.reset();
    session.reset();
    expect(search.next(), "a cursor outlives who opened it");
    expect(!search.next(), "and comes to its end");
}

static void exceptions_in_callbacks()
{
    struct Stop : std::runtime_error {
        Stop() : std::runtime_error("stop") {}
    };
    const Folder folder;
    fhir::Store store(folder.file(), fhir::Options().key(test_key()).create());
    store.set_authorizer([](const fhirstore_access_request &) -> fhir::Store::Decision { throw Stop(); });
    fhir::Session session = store.session(fhir::Principal("p"));
    bool was_thrown = false;
    try {
        (void)session.read("Patient", "a");
    } catch (const Stop &) {
        was_thrown = true;
    }
    expect(was_thrown, "what an authorizer throws comes out");
    store.set_audit_hook([](const fhirstore_audit_event &) { throw Stop(); });
    fhir::Session free_one = store.session(fhir::Principal("q").everything());
    was_thrown = false;
    try {
        (void)free_one.create("Patient", R"({"resourceType":"Patient"})");
    } catch (const Stop &) {
        was_thrown = true;
    }
    expect(was_thrown, "what a hook throws comes out");
    store.set_audit_hook([](const fhirstore_audit_event &) {});
    expect(free_one.count("Patient", "") == 0, "what the hook refused was not stored");
}

static void decisions()
{
    const Folder folder;
    fhir::Store store(folder.file(), fhir::Options().key(test_key()).create());
    fhir::Session all = store.session(fhir::Principal().everything());
    (void)all.update("Patient", "a", R"({"resourceType":"Patient","id":"a","active":true,"gender":"male"})");
    (void)all.update("Patient", "b", R"({"resourceType":"Patient","id":"b","active":false})");
    store.set_authorizer([](const fhirstore_access_request &) {
        return fhir::Store::Decision{true, {"active=true"}, {}, {"gender"}, {}};
    });
    fhir::Session some = store.session(fhir::Principal("p"));
    expect(some.count("Patient", "") == 1, "within what fits");
    expect(some.read("Patient", "a").body().find("gender") == std::string_view::npos, "without what is hidden");
}

static void clocks()
{
    const Folder folder;
    fhir::Store store(folder.file(), fhir::Options().key(test_key()).create().clock(
                                              [] { return std::int64_t{1600000000000000}; }));
    fhir::Session session = store.session(fhir::Principal().everything());
    fhir::Response made = session.create("Patient", R"({"resourceType":"Patient"})");
    expect(made.updated_us() / 1000000 == 1600000000, std::to_string(made.updated_us()));
    expect(store.verify().empty(), "sound");
}

int main(int argc, char **argv)
{
    std::vector<files::path> all;
    for (const auto &each : files::directory_iterator(argc > 1 ? argv[1] : ".")) {
        all.push_back(each.path());
    }
    std::sort(all.begin(), all.end());
    for (const files::path &path : all) {
        run_file(path);
    }
    report("any_order", any_order);
    report("exceptions_in_callbacks", exceptions_in_callbacks);
    report("decisions", decisions);
    report("clocks", clocks);
    std::printf("1..%d\n", number);
    return failed > 0;
}
