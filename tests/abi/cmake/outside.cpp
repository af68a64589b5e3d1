// SPDX-License-Identifier: Apache-2.0
// A stranger to the library who writes C++.
#include <array>
#include <cstdio>

#include <fhirstore/fhirstore.hpp>

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "outside.fhirstore";
    std::remove(path);
    fhir::Store store(path, fhir::Options().key({{1, 2, 3}}).create());
    fhir::Session session = store.session(fhir::Principal().everything());
    session.create("Patient", R"({"resourceType":"Patient","active":true})");
    int found = 0;
    for (const fhir::Match &match : session.search("Patient", "active=true")) {
        found += match.body.empty() ? 0 : 1;
    }
    return found == 1 ? 0 : 1;
}
