/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as JSONPath, on any JSON: bounded work, errors that tell a place, values that are JSON.
 */
#include "expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return check_expression(FHS_EXPRESSION_JSONPATH, data, size);
}
