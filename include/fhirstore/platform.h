/* SPDX-License-Identifier: Apache-2.0 */
/** @file platform.h  Visibility and language linkage of the public functions. */
#ifndef FHIRSTORE_PLATFORM_H
#define FHIRSTORE_PLATFORM_H

#if defined(__GNUC__)
/** Marks what the library exports. */
#define FHIRSTORE_API __attribute__((visibility("default")))
#else
#define FHIRSTORE_API
#endif

#ifdef __cplusplus
/** C linkage from here, for C++. */
#define FHIRSTORE_BEGIN_DECLS extern "C" {
/** To here. */
#define FHIRSTORE_END_DECLS }
#else
#define FHIRSTORE_BEGIN_DECLS
#define FHIRSTORE_END_DECLS
#endif

/** A string literal as the two arguments (pointer, length) that functions here take. */
#define FHIRSTORE_LIT(s) (s), (sizeof(s) - 1)

#endif
