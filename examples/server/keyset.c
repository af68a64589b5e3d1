/* SPDX-License-Identifier: Apache-2.0 */
#include "keyset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fetch.h"

/* A token with an unknown key is no reason to read the keys again more often. */
#define READ_AGAIN_SECONDS 30
#define RSA_BITS_MIN       2048u

struct keyset {
    const web_config *config;
    json_t *discovery;
    const char *place; /* of the keys */
    jwks_t *keys;
    time_t read_at;
};

static bool read_keys(keyset *keys)
{
    jwks_t *fresh = NULL;
    json_t *document = fetch_json(keys->place);
    bool fine = document != NULL && r_jwks_init(&fresh) == RHN_OK &&
                r_jwks_import_from_json_t(fresh, document) == RHN_OK && r_jwks_size(fresh) > 0;
    json_decref(document);
    keys->read_at = time(NULL);
    if (!fine) {
        r_jwks_free(fresh);
        return false;
    }
    r_jwks_free(keys->keys);
    keys->keys = fresh;
    return true;
}

static bool open_discovery(keyset *keys, const char *place)
{
    keys->discovery = fetch_json(place);
    if (keys->discovery == NULL) {
        return false;
    }
    if (keys->place == NULL) {
        keys->place = json_string_value(json_object_get(keys->discovery, "jwks_uri"));
    }
    if (keys->place == NULL) {
        (void)fprintf(stderr, "fhirstore-server: %s: no jwks_uri\n", place);
    }
    return keys->place != NULL;
}

keyset *keyset_open(const web_config *config)
{
    keyset *keys = calloc(1, sizeof *keys);
    if (keys == NULL) {
        return NULL;
    }
    keys->config = config;
    keys->place = config->jwks;
    bool fine = config->discovery == NULL || open_discovery(keys, config->discovery);
    if (fine && !read_keys(keys)) {
        (void)fprintf(stderr, "fhirstore-server: %s: no JSON Web Key Set with keys\n", keys->place);
        fine = false;
    }
    if (!fine) {
        keyset_close(keys);
        return NULL;
    }
    return keys;
}

void keyset_close(keyset *keys)
{
    if (keys != NULL) {
        r_jwks_free(keys->keys);
        json_decref(keys->discovery);
        free(keys);
    }
}

const json_t *keyset_discovery(const keyset *keys)
{
    return keys->discovery;
}

const char *keyset_issuer(const keyset *keys)
{
    return keys->config->issuer != NULL
               ? keys->config->issuer
               : json_string_value(json_object_get(keys->discovery, "issuer"));
}

/* A key for this algorithm and no other: an RSA key must not be taken for something else. */
static bool key_fits(jwk_t *key, jwa_alg alg)
{
    unsigned bits = 0;
    int type = r_jwk_key_type(key, &bits, 0);
    const char *use = r_jwk_get_property_str(key, "use");
    const char *named = r_jwk_get_property_str(key, "alg");
    if ((type & R_KEY_TYPE_PUBLIC) == 0 || (use != NULL && strcmp(use, "sig") != 0) ||
        (named != NULL && r_str_to_jwa_alg(named) != alg)) {
        return false;
    }
    switch (alg) {
    case R_JWA_ALG_RS256:
        return (type & R_KEY_TYPE_RSA) != 0 && bits >= RSA_BITS_MIN;
    case R_JWA_ALG_ES256:
        return (type & R_KEY_TYPE_EC) != 0 && bits == 256;
    case R_JWA_ALG_EDDSA:
        return (type & R_KEY_TYPE_EDDSA) != 0;
    default:
        return false;
    }
}

static jwk_t *find_among(jwks_t *keys, const char *kid, jwa_alg alg)
{
    jwk_t *found = NULL;
    for (size_t i = 0; i < r_jwks_size(keys); i++) {
        jwk_t *key = r_jwks_get_at(keys, i);
        const char *name = r_jwk_get_property_str(key, "kid");
        bool is_it = key_fits(key, alg) &&
                     (kid == NULL || (name != NULL && strcmp(name, kid) == 0));
        if (is_it && found != NULL) {
            /* Two that fit: which one is not for us to guess. */
            r_jwk_free(key);
            r_jwk_free(found);
            return NULL;
        }
        if (is_it) {
            found = key;
        } else {
            r_jwk_free(key);
        }
    }
    return found;
}

jwk_t *keyset_find(keyset *keys, const char *kid, jwa_alg alg)
{
    jwk_t *found = find_among(keys->keys, kid, alg);
    if (found == NULL && time(NULL) - keys->read_at >= READ_AGAIN_SECONDS && read_keys(keys)) {
        found = find_among(keys->keys, kid, alg);
    }
    return found;
}
