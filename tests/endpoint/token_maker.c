/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and tokens for the endpoint's tests.
 *   token_maker keys PRIVATE PUBLIC    three key pairs (rsa, ec, ed) as JSON Web Key Sets
 *   token_maker sign PRIVATE KID ALG   the claims on standard input as a signed token
 */
#include <jansson.h>
#include <rhonabwy.h>
#include <stdio.h>
#include <string.h>

static int make_keys(const char *private_path, const char *public_path)
{
    static const struct {
        const char *kid;
        int type;
        unsigned bits;
    } wanted[] = {{"rsa", R_KEY_TYPE_RSA, 2048},
                  {"ec", R_KEY_TYPE_EC, 256},
                  {"ed", R_KEY_TYPE_EDDSA, 256},
                  {"short", R_KEY_TYPE_RSA, 1024}};
    jwks_t *own = NULL;
    jwks_t *told = NULL;
    if (r_jwks_init(&own) != RHN_OK || r_jwks_init(&told) != RHN_OK) {
        return 1;
    }
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        jwk_t *secret = NULL;
        jwk_t *open = NULL;
        if (r_jwk_init(&secret) != RHN_OK || r_jwk_init(&open) != RHN_OK ||
            r_jwk_generate_key_pair(secret, open, wanted[i].type, wanted[i].bits, wanted[i].kid) !=
                RHN_OK) {
            return 1;
        }
        (void)r_jwks_append_jwk(own, secret);
        (void)r_jwks_append_jwk(told, open);
        r_jwk_free(secret);
        r_jwk_free(open);
    }
    json_t *own_json = r_jwks_export_to_json_t(own);
    json_t *told_json = r_jwks_export_to_json_t(told);
    int failed = json_dump_file(own_json, private_path, 0) +
                 json_dump_file(told_json, public_path, 0);
    json_decref(own_json);
    json_decref(told_json);
    r_jwks_free(own);
    r_jwks_free(told);
    return failed != 0;
}

static int sign_claims(const char *private_path, const char *kid, const char *alg)
{
    json_t *keys = json_load_file(private_path, 0, NULL);
    json_t *claims = json_loadf(stdin, 0, NULL);
    jwks_t *all = NULL;
    jwt_t *jwt = NULL;
    if (keys == NULL || claims == NULL || r_jwks_init(&all) != RHN_OK ||
        r_jwks_import_from_json_t(all, keys) != RHN_OK || r_jwt_init(&jwt) != RHN_OK) {
        return 1;
    }
    jwk_t *key = r_jwks_get_by_kid(all, kid);
    (void)r_jwt_set_sign_alg(jwt, r_str_to_jwa_alg(alg));
    (void)r_jwt_set_full_claims_json_t(jwt, claims);
    char *token = key == NULL ? NULL : r_jwt_serialize_signed(jwt, key, 0);
    if (token != NULL) {
        (void)puts(token);
    }
    int failed = token == NULL;
    r_free(token);
    r_jwk_free(key);
    r_jwt_free(jwt);
    r_jwks_free(all);
    json_decref(keys);
    json_decref(claims);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 2;
    if (r_global_init() != RHN_OK) {
        return 1;
    }
    if (argc == 4 && strcmp(argv[1], "keys") == 0) {
        failed = make_keys(argv[2], argv[3]);
    } else if (argc == 5 && strcmp(argv[1], "sign") == 0) {
        failed = sign_claims(argv[2], argv[3], argv[4]);
    }
    r_global_close();
    return failed;
}
