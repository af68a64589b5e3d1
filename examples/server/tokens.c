/* SPDX-License-Identifier: Apache-2.0 */
#include "tokens.h"

#include <pthread.h>
#include <rhonabwy.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyset.h"

#define TOKEN_MAX     16384u
#define CLOCKS_DIFFER 30 /* seconds */
#define REMEMBERED    1024u

/* A token that was found good, so that its signature is not checked for every request. */
typedef struct web_remembered {
    char *token;
    char *principal;
    time_t until;
} web_remembered;

struct web_tokens {
    const web_config *config;
    keyset *keys;
    pthread_mutex_t key_lock;
    pthread_mutex_t memory_lock;
    web_remembered memory[REMEMBERED];
};

static const token_fault malformed = {"login", "the token is no signed JWT"};
static const token_fault wrong_algorithm = {"login", "tokens are signed by RS256, ES256 or EdDSA"};
static const token_fault unknown_key = {"login", "the token is signed by a key that is not known"};
static const token_fault wrong_signature = {"login", "the token's signature is wrong"};
static const token_fault no_expiry = {"login", "the token says not how long it is good"};
static const token_fault expired = {"expired", "the token has expired"};
static const token_fault not_yet = {"login", "the token is not good yet"};
static const token_fault wrong_issuer = {"login", "the token is from another issuer"};
static const token_fault wrong_audience = {"login", "the token is for another audience"};
static const token_fault wrong_claims = {"login", "the token's claims are of the wrong kind"};
static const token_fault no_memory = {"exception", "out of memory"};

web_tokens *tokens_open(const web_config *config)
{
    web_tokens *made = calloc(1, sizeof *made);
    if (made == NULL || r_global_init() != RHN_OK) {
        free(made);
        return NULL;
    }
    made->config = config;
    made->keys = keyset_open(config);
    if (made->keys == NULL || pthread_mutex_init(&made->key_lock, NULL) != 0 ||
        pthread_mutex_init(&made->memory_lock, NULL) != 0) {
        keyset_close(made->keys);
        free(made);
        return NULL;
    }
    return made;
}

void tokens_close(web_tokens *tokens)
{
    if (tokens == NULL) {
        return;
    }
    for (size_t i = 0; i < REMEMBERED; i++) {
        free(tokens->memory[i].token);
        free(tokens->memory[i].principal);
    }
    (void)pthread_mutex_destroy(&tokens->key_lock);
    (void)pthread_mutex_destroy(&tokens->memory_lock);
    keyset_close(tokens->keys);
    r_global_close();
    free(tokens);
}

const json_t *tokens_discovery(const web_tokens *tokens)
{
    return keyset_discovery(tokens->keys);
}

/* ---- what was found good ---- */

static web_remembered *place_of(web_tokens *tokens, const char *token)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = token; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    return &tokens->memory[hash % REMEMBERED];
}

static char *recall(web_tokens *tokens, const char *token)
{
    char *principal = NULL;
    web_remembered *place = place_of(tokens, token);
    (void)pthread_mutex_lock(&tokens->memory_lock);
    if (place->token != NULL && strcmp(place->token, token) == 0 && time(NULL) < place->until) {
        principal = strdup(place->principal);
    }
    (void)pthread_mutex_unlock(&tokens->memory_lock);
    return principal;
}

static void remember(web_tokens *tokens, const char *token, const char *principal, time_t until)
{
    char *own_token = strdup(token);
    char *own_principal = strdup(principal);
    if (own_token == NULL || own_principal == NULL) {
        free(own_token);
        free(own_principal);
        return;
    }
    web_remembered *place = place_of(tokens, token);
    (void)pthread_mutex_lock(&tokens->memory_lock);
    free(place->token);
    free(place->principal);
    *place = (web_remembered){own_token, own_principal, until};
    (void)pthread_mutex_unlock(&tokens->memory_lock);
}

/* ---- the signature ---- */

static bool is_algorithm(jwa_alg alg)
{
    return alg == R_JWA_ALG_RS256 || alg == R_JWA_ALG_ES256 || alg == R_JWA_ALG_EDDSA;
}

/* What a key is called is a text, where it is said at all. */
static bool has_clean_kid(jwt_t *jwt)
{
    json_t *kid = r_jwt_get_header_json_t_value(jwt, "kid");
    bool is_clean = kid == NULL || json_is_string(kid);
    json_decref(kid);
    return is_clean;
}

/* The claims of a token whose signature is right; NULL: *fault_out. */
static json_t *verified_claims(web_tokens *tokens, const char *token, token_fault *fault_out)
{
    jwt_t *jwt = NULL;
    jwk_t *key = NULL;
    json_t *claims = NULL;
    jwa_alg alg = R_JWA_ALG_UNKNOWN;
    *fault_out = malformed;
    /* Keys that a token brings along are never looked at. */
    if (r_jwt_init(&jwt) == RHN_OK &&
        r_jwt_advanced_parse(jwt, token, R_PARSE_NONE, R_FLAG_IGNORE_REMOTE) == RHN_OK) {
        alg = r_jwt_get_sign_alg(jwt);
        json_t *critical = r_jwt_get_header_json_t_value(jwt, "crit");
        *fault_out = is_algorithm(alg) && critical == NULL ? unknown_key : wrong_algorithm;
        json_decref(critical);
    }
    if (is_algorithm(alg) && fault_out->text == unknown_key.text && has_clean_kid(jwt)) {
        key = keyset_find(tokens->keys, r_jwt_get_header_str_value(jwt, "kid"), alg);
    }
    if (key != NULL) {
        *fault_out = wrong_signature;
        if (r_jwt_verify_signature(jwt, key, R_FLAG_IGNORE_REMOTE) == RHN_OK) {
            claims = r_jwt_get_full_claims_json_t(jwt);
        }
    }
    r_jwk_free(key);
    r_jwt_free(jwt);
    return claims;
}

/* ---- the claims ---- */

static bool has_audience(const json_t *claim, const char *audience)
{
    size_t i;
    json_t *item;
    if (json_is_string(claim)) {
        return strcmp(json_string_value(claim), audience) == 0;
    }
    json_array_foreach(claim, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), audience) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_claims(const web_tokens *tokens, const json_t *claims, token_fault *fault_out)
{
    const json_t *expiry = json_object_get(claims, "exp");
    const json_t *begin = json_object_get(claims, "nbf");
    const json_t *from = json_object_get(claims, "iss");
    const char *issuer = keyset_issuer(tokens->keys);
    double now = (double)time(NULL);
    if (!json_is_number(expiry)) {
        *fault_out = no_expiry;
    } else if (json_number_value(expiry) + CLOCKS_DIFFER <= now) {
        *fault_out = expired;
    } else if (begin != NULL &&
               (!json_is_number(begin) || json_number_value(begin) - CLOCKS_DIFFER > now)) {
        *fault_out = not_yet;
    } else if (issuer != NULL &&
               (!json_is_string(from) || strcmp(json_string_value(from), issuer) != 0)) {
        *fault_out = wrong_issuer;
    } else if (!has_audience(json_object_get(claims, "aud"), tokens->config->audience)) {
        *fault_out = wrong_audience;
    } else {
        return true;
    }
    return false;
}

/* "scope" is a text with blanks; some issuers write a list, or call it "scp". */
static json_t *scope_of(const json_t *claims)
{
    json_t *scope = json_object_get(claims, "scope");
    size_t i;
    json_t *item;
    scope = scope == NULL ? json_object_get(claims, "scp") : scope;
    if (!json_is_array(scope)) {
        return json_incref(scope);
    }
    json_t *text = json_string("");
    json_array_foreach(scope, i, item)
    {
        json_t *longer = json_is_string(item)
                             ? json_sprintf("%s%s%s", json_string_value(text), i == 0 ? "" : " ",
                                            json_string_value(item))
                             : NULL;
        json_decref(text);
        text = longer;
        if (text == NULL) {
            return json_null(); /* the session refuses it */
        }
    }
    return text;
}

/* The members that a principal's document has (docs/access.md). What else a token says stays out.
 */
static char *principal_document(const json_t *claims)
{
    static const struct {
        const char *claim;
        const char *member;
    } taken[] = {{"sub", "id"},
                 {"fhirUser", "fhirUser"},
                 {"patient", "patient"},
                 {"roles", "roles"},
                 {"purpose", "purpose"},
                 {"clearance", "clearance"},
                 {"attributes", "attributes"}};
    json_t *document = json_object();
    json_t *scope = scope_of(claims);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        json_t *value = json_object_get(claims, taken[i].claim);
        if (value != NULL) {
            (void)json_object_set(document, taken[i].member, value);
        }
    }
    if (scope != NULL) {
        (void)json_object_set_new(document, "scope", scope);
    }
    char *text = document == NULL ? NULL : json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
}

static char *read_token(web_tokens *tokens, const char *token, token_fault *fault_out)
{
    char *principal = NULL;
    (void)pthread_mutex_lock(&tokens->key_lock);
    json_t *claims = verified_claims(tokens, token, fault_out);
    (void)pthread_mutex_unlock(&tokens->key_lock);
    if (claims != NULL && check_claims(tokens, claims, fault_out)) {
        const json_t *subject = json_object_get(claims, "sub");
        *fault_out = wrong_claims;
        if (subject == NULL || json_is_string(subject)) {
            *fault_out = no_memory;
            principal = principal_document(claims);
        }
    }
    if (principal != NULL) {
        double until = json_number_value(json_object_get(claims, "exp")) + CLOCKS_DIFFER;
        remember(tokens, token, principal, until < 4e9 ? (time_t)until : (time_t)4e9);
    }
    json_decref(claims);
    return principal;
}

char *tokens_principal(web_tokens *tokens, const char *token, token_fault *fault_out)
{
    *fault_out = malformed;
    if (strlen(token) > TOKEN_MAX) {
        return NULL;
    }
    char *principal = recall(tokens, token);
    return principal != NULL ? principal : read_token(tokens, token, fault_out);
}
